/** To the worker. `want` is answered once unless `forget` comes first. */
export type ToThumbnailWorker =
  { readonly type: 'want'; readonly version: string } | { readonly type: 'forget'; readonly version: string };

export interface FromThumbnailWorker {
  readonly version: string;
  /** Absent if the file is no picture that this browser knows. */
  readonly picture?: Blob;
}
