import koffi, { type KoffiFunc } from 'koffi';
import { isUtf8 } from 'node:buffer';
import { constants } from 'node:os';

type List = KoffiFunc<(file: Buffer | number, list: Buffer, size: number) => number>;
type Get = KoffiFunc<(file: Buffer | number, name: Buffer, value: Buffer, size: number) => number>;

/** Bytes of the longest list of names, and of the longest value: XATTR_LIST_MAX, XATTR_SIZE_MAX. */
const MOST = 64 * 1024;

/** Extended attributes of files by xattr(7); POSIX ACLs are among them. Elsewhere than on Linux there are none. */
export class ExtendedAttributes {
  readonly #calls: { readonly paths: Calls; readonly files: Calls } | undefined;
  readonly #buffer = Buffer.alloc(MOST);

  constructor(platform: NodeJS.Platform = process.platform) {
    if (platform !== 'linux') return;
    const libc = koffi.load('libc.so.6');
    const calls = (prefix: string, file: string): Calls => ({
      list: libc.func(`${prefix}listxattr`, 'int64_t', [file, 'uint8_t *', 'size_t']) as List,
      get: libc.func(`${prefix}getxattr`, 'int64_t', [file, 'uint8_t *', 'uint8_t *', 'size_t']) as Get,
    });
    this.#calls = { paths: calls('l', 'uint8_t *'), files: calls('f', 'int') };
  }

  /** Of the node at a path, a symlink not followed. @throws Error with `code`: ENOENT, EACCES, E2BIG */
  ofPath(path: string | Buffer): Map<string, Buffer> {
    return this.#read(this.#calls?.paths, Buffer.concat([Buffer.from(path as string), Buffer.of(0)]));
  }

  /** Of an open file. @throws as `ofPath` */
  ofFile(fd: number): Map<string, Buffer> {
    return this.#read(this.#calls?.files, fd);
  }

  /** Whether the file system of a node serves any: those that do not say so by this or that error. */
  areServed(path: string | Buffer): boolean {
    const file = Buffer.concat([Buffer.from(path as string), Buffer.of(0)]);
    return this.#calls !== undefined && this.#calls.paths.list(file, this.#buffer, MOST) >= 0;
  }

  #read(calls: Calls | undefined, file: Buffer | number): Map<string, Buffer> {
    const values = new Map<string, Buffer>();
    const length = calls === undefined ? 0 : calls.list(file, this.#buffer, MOST);
    if (calls === undefined || length === 0) return values;
    // File systems without them say so.
    if (length < 0 && isErrno('ENOTSUP', 'ENOSYS')) return values;
    if (length < 0) throw failure('listxattr');
    for (const name of namesIn(Buffer.from(this.#buffer.subarray(0, length)))) {
      const size = calls.get(file, Buffer.concat([name, Buffer.of(0)]), this.#buffer, MOST);
      // Gone between the two calls, or one that only its owner may read.
      if (size < 0 && isErrno('ENODATA', 'EPERM', 'ENOTSUP')) continue;
      if (size < 0) throw failure('getxattr');
      if (isUtf8(name)) values.set(name.toString(), Buffer.from(this.#buffer.subarray(0, size)));
    }
    return values;
  }
}

interface Calls {
  readonly list: List;
  readonly get: Get;
}

function namesIn(list: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let at = 0; at < list.length;) {
    const end = list.indexOf(0, at);
    names.push(list.subarray(at, end));
    at = end + 1;
  }
  return names;
}

function isErrno(...codes: string[]): boolean {
  return codes.includes(codeOf(koffi.errno()));
}

function codeOf(errno: number): string {
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? 'EIO';
}

function failure(call: string): NodeJS.ErrnoException {
  const code = codeOf(koffi.errno());
  return Object.assign(new Error(`${call}: ${code}`), { code });
}
