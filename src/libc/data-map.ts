import koffi, { type KoffiFunc } from 'koffi';
import type { Extent } from '../vfs/extent.ts';

/** lseek(2) on Linux: finds the next byte of data, or of a hole, at or after a position. */
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENXIO = 6;

type Seek = KoffiFunc<(fd: number, offset: number, whence: number) => number>;

/** Finds the data in sparse files. If the file system does not support this, everything counts as data. */
export class DataMap {
  readonly #seek: Seek | undefined;

  constructor(platform: NodeJS.Platform = process.platform) {
    this.#seek = platform === 'linux' ? load() : undefined;
  }

  /** The stretches of data between two positions, in order; between them are holes, which are zeros. */
  *data(fd: number, { start, end }: Extent): Generator<Extent> {
    for (let at = start; at < end;) {
      const from = this.#next(fd, at, SEEK_DATA) ?? at;
      if (from >= end) return;
      const to = Math.min(end, this.#next(fd, from, SEEK_HOLE) ?? end);
      yield { start: from, end: to };
      at = to;
    }
  }

  /** Calls lseek; `undefined` if the file system does not support it. */
  #next(fd: number, position: number, whence: number): number | undefined {
    if (this.#seek === undefined) return undefined;
    const found = this.#seek(fd, position, whence);
    if (found >= 0) return found;
    return koffi.errno() === ENXIO ? Infinity : undefined;
  }
}

function load(): Seek | undefined {
  try {
    return koffi.load('libc.so.6').func('lseek', 'int64_t', ['int', 'int64_t', 'int']) as Seek;
  } catch {
    return undefined;
  }
}
