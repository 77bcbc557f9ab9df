import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of the files of earlier processes that nobody has opened here. */
export class Leftovers {
  readonly #dir: string;
  readonly #bytes: Map<string, number>;

  constructor(dir: string, names: Iterable<string>) {
    this.#dir = dir;
    this.#bytes = new Map(Array.from(names, (name) => [name, 0]));
  }

  get bytes(): number {
    let sum = 0;
    for (const bytes of this.#bytes.values()) sum += bytes;
    return sum;
  }

  /** It has been opened, or is gone. */
  remove(name: string): void {
    this.#bytes.delete(name);
  }

  /** Looks how big they are; until then they count nothing. */
  async measure(): Promise<void> {
    for (const name of Array.from(this.#bytes.keys())) {
      const bytes = await stat(join(this.#dir, name)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      );
      // Meanwhile it may have been opened or discarded.
      if (this.#bytes.has(name)) this.#bytes.set(name, bytes);
    }
  }
}
