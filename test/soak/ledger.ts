import { createHash } from 'node:crypto';

const BLOCK = 1024 * 1024;

/** The identity of a content, as the cloud records it: the hash of the digests of its blocks. */
export function hashOf(content: Buffer): string {
  const digests: Buffer[] = [];
  for (let at = 0; at < content.length; at += BLOCK) {
    digests.push(
      createHash('sha256')
        .update(content.subarray(at, at + BLOCK))
        .digest(),
    );
  }
  return createHash('sha256').update(Buffer.concat(digests)).digest('hex');
}

/**
 * The contents that a gateway has acknowledged to a program, and that no program has overwritten or removed since: each of
 * them must exist.
 */
export class Ledger {
  readonly #owed = new Map<string, string>();
  readonly #history: string[] = [];
  /** Contents that were acknowledged at any time. */
  acknowledged = 0;

  /** @param what where it was written, and by what */
  acknowledge(hash: string, what: string): void {
    this.acknowledged++;
    this.note(`${what}: acknowledged ${hash.slice(0, 8)}`);
    this.#owed.set(hash, what);
  }

  /** A program that was shown this content may have overwritten or removed it. */
  release(hash: string | undefined): void {
    if (hash !== undefined) this.#owed.delete(hash);
  }

  /** Something that a program does, for the report. */
  note(what: string): void {
    this.#history.push(`${new Date().toISOString().slice(11, 23)} ${what}`);
  }

  /** What was noted that contains this text. */
  about(text: string): string[] {
    return this.#history.filter((line) => line.includes(text));
  }

  get owed(): number {
    return this.#owed.size;
  }

  /** Where those were written that are not among these. */
  missing(existing: ReadonlySet<string>): string[] {
    return [...this.#owed].filter(([hash]) => !existing.has(hash)).map(([hash, what]) => `${what} (${hash})`);
  }
}
