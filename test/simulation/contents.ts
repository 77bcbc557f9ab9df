import { createHash } from 'node:crypto';

/** What programs have written, and what of it must be somewhere in the end. */
export class Contents {
  readonly #byHash = new Map<string, string>([[hashOf(''), '']]);
  readonly #owed = new Set<string>();
  /** What a program has overwritten or removed that saw it. */
  readonly #released = new Set<string>();

  /** A content that a file has had. */
  learn(content: string): void {
    this.#byHash.set(hashOf(content), content);
  }

  isKnown(content: string): boolean {
    return this.#byHash.get(hashOf(content)) === content;
  }

  of(hash: string): string | undefined {
    return this.#byHash.get(hash);
  }

  /** A program was told that it is written. Two files with equal contents may become one, so what was ever released stays so. */
  owe(content: string): void {
    this.learn(content);
    if (content !== '' && !this.#released.has(content)) this.#owed.add(content);
  }

  release(content: string): void {
    this.#owed.delete(content);
    this.#released.add(content);
  }

  get owed(): ReadonlySet<string> {
    return this.#owed;
  }
}

/** What a content of one block is called by the cloud. */
function hashOf(content: string): string {
  const digest = createHash('sha256').update(content).digest();
  return createHash('sha256')
    .update(content === '' ? '' : digest)
    .digest('hex');
}
