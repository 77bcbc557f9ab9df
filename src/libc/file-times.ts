import koffi from 'koffi';
import { lutimesSync } from 'node:fs';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

/** Sets the times of files to the nanosecond; Node's calls take seconds as a double, which has steps of 238 ns in this century. */
export class FileTimes {
  readonly #utimensat: ((folder: number, path: string, times: Buffer, flags: number) => number) | undefined;

  constructor() {
    if (process.platform !== 'linux') return;
    this.#utimensat = koffi.load('libc.so.6').func('utimensat', 'int', ['int', 'str', 'void *', 'int']);
  }

  /**
   * Sets access and modification time of a node, a symlink not followed. See utimensat(2). Elsewhere than on Linux to the
   * microsecond.
   * @param mtime ms since 1970 with a fraction, which counts to the microsecond
   * @throws Error with its errno in words
   */
  set(path: string, mtime: number): void {
    const micros = BigInt(Math.round(mtime * 1000));
    // Half a microsecond more: what the double loses must not reach the microsecond below.
    if (this.#utimensat === undefined) return lutimesSync(path, mtime / 1000 + 5e-7, mtime / 1000 + 5e-7);
    const seconds = micros / 1_000_000n - (micros % 1_000_000n < 0n ? 1n : 0n);
    const time = Buffer.alloc(32);
    for (const at of [0, 16]) {
      time.writeBigInt64LE(seconds, at);
      time.writeBigInt64LE((micros - seconds * 1_000_000n) * 1000n, at + 8);
    }
    if (this.#utimensat(AT_FDCWD, path, time, AT_SYMLINK_NOFOLLOW) < 0) {
      throw new Error(`the times of ${path} cannot be set: errno ${koffi.errno()}`);
    }
  }
}
