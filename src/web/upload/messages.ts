import type { ApiCode } from '../api.ts';
import type { SentContent } from './blocks.ts';

/** What the page asks of the worker. */
export type ToWorker =
  | { readonly type: 'send'; readonly id: string; readonly file: File }
  | { readonly type: 'cancel'; readonly id: string };

/** What the worker says about an upload. */
export type FromWorker = { readonly id: string } & (
  | { readonly type: 'progress'; readonly sent: number }
  | { readonly type: 'paused'; readonly isPaused: boolean }
  | { readonly type: 'sent'; readonly content: SentContent }
  | { readonly type: 'failed'; readonly code: ApiCode; readonly message: string }
);
