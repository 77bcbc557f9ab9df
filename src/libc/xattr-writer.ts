import koffi from 'koffi';
import { getSystemErrorName } from 'node:util';
import { cString } from './c-string.ts';

/** Bytes of the longest value, `XATTR_SIZE_MAX` of `<linux/limits.h>`; here, enough to tell whether there is one. */
const PROBE = 64 * 1024;

type Set = (path: Buffer, name: Buffer, value: Uint8Array, size: number, flags: number) => number;
type Remove = (path: Buffer, name: Buffer) => number;
type Get = (path: Buffer, name: Buffer, value: Buffer, size: number) => number;

/** Sets and removes extended attributes, symlinks not followed. See xattr(7). On Linux only: elsewhere there are none. */
export class XattrWriter {
  readonly #libc: { readonly set: Set; readonly remove: Remove; readonly get: Get } | undefined;

  constructor() {
    if (process.platform !== 'linux') return;
    const libc = koffi.load('libc.so.6');
    this.#libc = {
      set: libc.func('lsetxattr', 'int', ['void *', 'void *', 'void *', 'size_t', 'int']),
      remove: libc.func('lremovexattr', 'int', ['void *', 'void *']),
      get: libc.func('lgetxattr', 'int64', ['void *', 'void *', 'void *', 'size_t']) as Get,
    };
  }

  /** @returns the errno's name if it failed */
  set(path: string | Buffer, name: string, value: Uint8Array): string | undefined {
    if (this.#libc === undefined) return 'ENOTSUP';
    return failure(this.#libc.set(cString(path), cString(name), value, value.length, 0));
  }

  /** @returns the errno's name if it failed; ENODATA where there was none */
  remove(path: string | Buffer, name: string): string | undefined {
    return this.#libc && failure(this.#libc.remove(cString(path), cString(name)));
  }

  has(path: string | Buffer, name: string): boolean {
    return this.#libc !== undefined && this.#libc.get(cString(path), cString(name), Buffer.alloc(PROBE), PROBE) >= 0;
  }
}

function failure(result: number): string | undefined {
  return result < 0 ? getSystemErrorName(-koffi.errno()) : undefined;
}
