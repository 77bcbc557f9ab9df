import { createHash } from 'node:crypto';

/** The contents that programs have written, and those that must exist in the end. */
export class Contents {
  readonly #byHash = new Map<string, string>([[hashOf(''), '']]);
  readonly #owed = new Set<string>();
  /** Contents that were overwritten or removed by a program that saw them. */
  readonly #released = new Set<string>();
  /** Acknowledged contents that a loss of power may take, by computer. */
  readonly #unsynced = new Map<string, Set<string>>();

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

  /**
   * Records an acknowledged content. Two files with equal contents may become one, so a released content stays
   * released.
   */
  owe(content: string): void {
    this.learn(content);
    if (content !== '' && !this.#released.has(content)) this.#owed.add(content);
  }

  release(content: string): void {
    this.#owed.delete(content);
    this.#released.add(content);
    for (const unsynced of this.#unsynced.values()) unsynced.delete(content);
  }

  /** Records that only the memory of this computer may have an acknowledged content. */
  doubt(device: string, content: string): void {
    const unsynced = this.#unsynced.get(device) ?? new Set();
    this.#unsynced.set(device, unsynced.add(content));
  }

  /** An fsync of a file with this content was acknowledged. */
  sync(device: string, content: string): void {
    this.#unsynced.get(device)?.delete(content);
  }

  /** All that the computer has acknowledged is on its disk, or in the cloud. */
  trust(device: string): void {
    this.#unsynced.delete(device);
  }

  /** Only what was synced is promised after a loss of power. */
  losePower(device: string): void {
    for (const content of this.#unsynced.get(device) ?? []) this.#owed.delete(content);
    this.#unsynced.delete(device);
  }

  get owed(): ReadonlySet<string> {
    return this.#owed;
  }
}

/** The hash of a content with a single block. */
function hashOf(content: string): string {
  const digest = createHash('sha256').update(content).digest();
  return createHash('sha256')
    .update(content === '' ? '' : digest)
    .digest('hex');
}
