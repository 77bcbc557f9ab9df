import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Counts the bytes of files that earlier processes left and this one has not opened. */
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

  /** Stops counting a file, because it was opened or removed. */
  remove(name: string): void {
    this.#bytes.delete(name);
  }

  /** Measures the files; until then they count as empty. */
  async measure(): Promise<void> {
    for (const name of Array.from(this.#bytes.keys())) {
      const bytes = await stat(join(this.#dir, name)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      );
      // It may have been opened or discarded in the meantime.
      if (this.#bytes.has(name)) this.#bytes.set(name, bytes);
    }
  }
}
