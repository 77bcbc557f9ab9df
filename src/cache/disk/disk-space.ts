import { statfsSync } from 'node:fs';

/** How long a result of `statfs` is used, ms; bytes that are written in the meantime are subtracted. */
const FRESH = 500;

/** The free bytes of a disk, cached so that they can be checked before every write. */
export class DiskSpace {
  readonly #measure: () => number;
  readonly #now: () => number;
  #free = 0;
  #measured = -Infinity;

  /** @param measure returns the bytes that are free for programs */
  constructor(measure: () => number, now: () => number = () => performance.now()) {
    this.#measure = measure;
    this.#now = now;
  }

  static of(dir: string): DiskSpace {
    return new DiskSpace(() => {
      const { bavail, bsize } = statfsSync(dir);
      return bavail * bsize;
    });
  }

  /** Free bytes, at most half a second old. */
  free(): number {
    if (this.#now() - this.#measured > FRESH) this.refresh();
    return this.#free;
  }

  /** Measures again, and returns the free bytes. */
  refresh(): number {
    this.#free = this.#measure();
    this.#measured = this.#now();
    return this.#free;
  }

  /** Whether this number of bytes is free. */
  has(bytes: number): boolean {
    return this.free() >= bytes || this.refresh() >= bytes;
  }

  /** Subtracts bytes that are about to be written, if `reserve` bytes remain free. Returns whether it did. */
  take(bytes: number, reserve: number): boolean {
    if (this.free() - bytes < reserve && this.refresh() - bytes < reserve) return false;
    this.#free -= bytes;
    return true;
  }
}
