/** What a history has shown to be wrong. */
export class Failure extends Error {
  readonly kind: Kind;

  constructor(kind: Kind, detail: string, cause?: unknown) {
    super(`${kind}: ${detail}`, { cause });
    this.kind = kind;
  }
}

/**
 * - `trees`: two gateways, or one and the cloud, do not show the same
 * - `lost`: a content that a program was told is written is nowhere, and no program that saw it has overwritten or removed it
 * - `foreign`: a content that no program has written
 * - `stuck`: the queue does not become empty
 * - `hung`: a call does not return
 * - `leftover`: something is left that nobody needs
 * - `crash`: an error that is no `FsError`
 * - `warning`: the gateway has logged an error of its own
 */
export type Kind = 'trees' | 'lost' | 'foreign' | 'stuck' | 'hung' | 'leftover' | 'crash' | 'warning';

export function failure(kind: Kind, detail: unknown): Failure {
  if (detail instanceof Failure) return detail;
  return new Failure(kind, detail instanceof Error ? String(detail.stack) : String(detail), detail);
}
