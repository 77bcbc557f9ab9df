import { basename, dirname } from 'node:path/posix';
import type { FileHandle } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';

export interface OpenPath {
  readonly fd: number;
  readonly handle: FileHandle;
  readonly writable: boolean;
}

/** The name to which libfuse 2 renames an open file when it is removed. */
const HIDDEN = /^\.fuse_hidden[\da-f]{16}$/;

/** The open files by libfuse's numbers, and those that no longer have a name. */
export class OpenPaths {
  readonly #open = new Map<number, OpenPath>();
  /** Removed files by the hidden name that libfuse gave them. */
  readonly #hidden = new Map<string, OpenPath>();
  #last = 0;

  get size(): number {
    return this.#open.size;
  }

  add(handle: FileHandle, writable: boolean): number {
    const fd = this.#next();
    this.#open.set(fd, { fd, handle, writable });
    return fd;
  }

  /** @throws EBADF */
  get(fd: number, op: string): OpenPath {
    const file = this.#open.get(fd);
    if (file === undefined) throw new FsError('EBADF', op);
    return file;
  }

  /** Removes an open file from the table; the caller closes it. */
  take(fd: number): OpenPath | undefined {
    const file = this.#open.get(fd);
    this.#open.delete(fd);
    return file;
  }

  /** Removes all open files from the table; the caller closes them. */
  drain(): OpenPath[] {
    const all = [...this.#open.values()];
    this.#open.clear();
    this.#hidden.clear();
    return all;
  }

  /** An open file of the node, preferably one that can write. */
  of(node: string): OpenPath | undefined {
    const files = [...this.#open.values()].filter(({ handle }) => handle.node === node);
    return files.find(({ writable }) => writable) ?? files[0];
  }

  /** The removed file with this hidden name. */
  hidden(path: string): OpenPath | undefined {
    return this.#hidden.get(path);
  }

  hide(path: string, file: OpenPath): void {
    this.#hidden.set(path, file);
  }

  /** Forgets a hidden name. True if there was one. */
  unhide(path: string): boolean {
    return this.#hidden.delete(path);
  }

  /** Whether this rename is libfuse's way of removing an open file. */
  static isRemoval(from: string, to: string): boolean {
    return HIDDEN.test(basename(to)) && dirname(from) === dirname(to);
  }

  #next(): number {
    do this.#last = (this.#last % 0x7fff_ffff) + 1;
    while (this.#open.has(this.#last));
    return this.#last;
  }
}
