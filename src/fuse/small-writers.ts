import { LRUCache } from 'lru-cache';

/** A file of fewer bytes gains nothing from being passed on: the calls that arrange it cost more than one WRITE. */
const SMALL = 256 * 1024;
/** Small files in a row after which a program is expected to make another. */
const RUN = 4;

/**
 * Which programs write one small file after another (`tar`, `git clone`, `cp -r`). The size of a file is not known when it
 * is created, so the sizes of the files that the same process has written before are taken for it.
 */
export class SmallWriters {
  /** Process id → small files since its last large one. */
  readonly #runs = new LRUCache<number, number>({ max: 256 });

  /** Whether the next file of a process is probably small. */
  expects(pid: number): boolean {
    return (this.#runs.get(pid) ?? 0) >= RUN;
  }

  /** A process has written a new file of this many bytes. */
  wrote(pid: number, size: number): void {
    this.#runs.set(pid, size < SMALL ? (this.#runs.get(pid) ?? 0) + 1 : 0);
  }
}
