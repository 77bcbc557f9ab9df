/** A failure found by a history. */
export class Failure extends Error {
  readonly kind: Kind;

  constructor(kind: Kind, detail: string, cause?: unknown) {
    super(`${kind}: ${detail}`, { cause });
    this.kind = kind;
  }
}

/**
 * - `trees`: two gateways, or a gateway and the cloud, have different trees
 * - `lost`: an acknowledged content does not exist, although no program that saw it has overwritten or removed it
 * - `foreign`: a content that no program has written
 * - `stuck`: a queue does not become empty
 * - `order`: an intent precedes the creation of its folder
 * - `hung`: a call does not return
 * - `leftover`: something unneeded is left
 * - `crash`: an error that is not an `FsError`
 * - `warning`: the gateway has logged an internal error
 */
export type Kind = 'trees' | 'lost' | 'foreign' | 'stuck' | 'order' | 'hung' | 'leftover' | 'crash' | 'warning';

export function failure(kind: Kind, detail: unknown): Failure {
  if (detail instanceof Failure) return detail;
  return new Failure(kind, detail instanceof Error ? String(detail.stack) : String(detail), detail);
}
