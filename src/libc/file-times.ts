import koffi from 'koffi';
import { lutimesSync } from 'node:fs';
import { cString } from './c-string.ts';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

/**
 * Sets file times with nanosecond resolution. Node's calls take seconds as a double, which has steps of 238 ns in this
 * century.
 */
export class FileTimes {
  readonly #utimensat: ((folder: number, path: Buffer, times: Buffer, flags: number) => number) | undefined;

  constructor() {
    if (process.platform !== 'linux') return;
    this.#utimensat = koffi.load('libc.so.6').func('utimensat', 'int', ['int', 'void *', 'void *', 'int']);
  }

  /**
   * Sets the access and modification time of a file, folder or symlink (not followed), see utimensat(2). On systems
   * other than Linux the resolution is a microsecond.
   * @param mtime ms since 1970, with a fraction that is used down to the microsecond
   * @throws Error that names the errno
   */
  set(path: string, mtime: number): void {
    // Half a microsecond is added, so that rounding of the double cannot end in the previous microsecond.
    if (this.#utimensat === undefined) return lutimesSync(path, mtime / 1000 + 5e-7, mtime / 1000 + 5e-7);
    this.setExact(path, BigInt(Math.round(mtime * 1000)) * 1000n);
  }

  /**
   * As `set`, with a time in nanoseconds since 1970.
   * @param path may be bytes that are not UTF-8
   */
  setExact(path: string | Buffer, mtime: bigint): void {
    if (this.#utimensat === undefined) return lutimesSync(path, Number(mtime) / 1e9, Number(mtime) / 1e9);
    const seconds = mtime / 1_000_000_000n - (mtime % 1_000_000_000n < 0n ? 1n : 0n);
    const time = Buffer.alloc(32);
    for (const at of [0, 16]) {
      time.writeBigInt64LE(seconds, at);
      time.writeBigInt64LE(mtime - seconds * 1_000_000_000n, at + 8);
    }
    if (this.#utimensat(AT_FDCWD, cString(path), time, AT_SYMLINK_NOFOLLOW) < 0) {
      throw new Error(`the times of ${path.toString()} cannot be set: errno ${koffi.errno()}`);
    }
  }
}
