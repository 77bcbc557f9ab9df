import { statfsSync } from 'node:fs';

/** How long an answer of `statfs` is trusted, ms; what is written meanwhile is taken off it. */
const FRESH = 500;

/** The free bytes of the disk that a folder is on, cheap enough to ask before every write. */
export class DiskSpace {
  readonly #measure: () => number;
  readonly #now: () => number;
  #free = 0;
  #measured = -Infinity;

  /** `measure` answers the bytes that are free for programs. */
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

  /** Bytes, exact as of half a second ago. */
  free(): number {
    if (this.#now() - this.#measured > FRESH) this.refresh();
    return this.#free;
  }

  /** Measures anew. */
  refresh(): number {
    this.#free = this.#measure();
    this.#measured = this.#now();
    return this.#free;
  }

  /** Whether so many bytes are free. */
  has(bytes: number): boolean {
    return this.free() >= bytes || this.refresh() >= bytes;
  }

  /** Takes bytes that are about to be written if `reserve` bytes remain free besides. */
  take(bytes: number, reserve: number): boolean {
    if (this.free() - bytes < reserve && this.refresh() - bytes < reserve) return false;
    this.#free -= bytes;
    return true;
  }
}
