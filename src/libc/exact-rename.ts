import koffi from 'koffi';
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { cString } from './c-string.ts';

const AT_FDCWD = -100;
const NOREPLACE = 1;
const EXCHANGE = 2;
/** errno(3), Linux. */
const ERRNO: Readonly<Record<number, string>> = {
  2: 'ENOENT',
  5: 'EIO',
  13: 'EACCES',
  1: 'EPERM',
  17: 'EEXIST',
  18: 'EXDEV',
  20: 'ENOTDIR',
  21: 'EISDIR',
  22: 'EINVAL',
  28: 'ENOSPC',
  30: 'EROFS',
  36: 'ENAMETOOLONG',
  40: 'ELOOP',
  122: 'EDQUOT',
};

type Renameat2 = (fromDir: number, from: Buffer, toDir: number, to: Buffer, flags: number) => number;

/** Renames that replace nothing, see renameat2(2). */
export class ExactRename {
  readonly #renameat2: Renameat2 | undefined = findRenameat2();

  /** A rename that fails if the new name is taken. Where the system has no such call, a moment lies between the two. @throws EEXIST, as rename(2) */
  move(from: string, to: string): void {
    const code = this.#call(from, to, NOREPLACE);
    if (code === undefined) return;
    if (code !== 'EINVAL' && code !== 'ENOSYS') throw failure(code, from, to);
    if (lstatSync(from).isFile()) return linkOver(from, to);
    if (lstatSync(to, { throwIfNoEntry: false })) throw failure('EEXIST', from, to);
    renameSync(from, to);
  }

  /** Swaps two names in one step. @returns whether the system can @throws as rename(2) */
  exchange(from: string, to: string): boolean {
    const code = this.#call(from, to, EXCHANGE);
    if (code !== undefined && code !== 'EINVAL' && code !== 'ENOSYS') throw failure(code, from, to);
    return code === undefined;
  }

  /** The errno that it fails with; ENOSYS where there is no such call. */
  #call(from: string, to: string, flags: number): string | undefined {
    if (this.#renameat2 === undefined) return 'ENOSYS';
    if (this.#renameat2(AT_FDCWD, cString(from), AT_FDCWD, cString(to), flags) === 0) return undefined;
    const errno = koffi.errno();
    return errno === 38 ? 'ENOSYS' : (ERRNO[errno] ?? `errno ${errno}`);
  }
}

function linkOver(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A file system without hard links.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    if (lstatSync(to, { throwIfNoEntry: false })) throw failure('EEXIST', from, to);
    return renameSync(from, to);
  }
  unlinkSync(from);
}

function failure(code: string, from: string, to: string): Error {
  return Object.assign(new Error(`${code}: rename '${from}' -> '${to}'`), { code });
}

function findRenameat2(): Renameat2 | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return koffi.load('libc.so.6').func('renameat2', 'int', ['int', 'void *', 'int', 'void *', 'uint']);
  } catch {
    return undefined;
  }
}
