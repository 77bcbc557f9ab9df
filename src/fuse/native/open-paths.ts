import { basename, dirname } from 'node:path/posix';
import type { FileHandle } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';

export interface OpenPath {
  readonly fd: number;
  readonly handle: FileHandle;
  readonly writable: boolean;
}

/** What libfuse 2 renames an open file to that is removed, instead of removing it. */
const HIDDEN = /^\.fuse_hidden[\da-f]{16}$/;

/** The open files by libfuse's numbers, and those without a name. */
export class OpenPaths {
  readonly #open = new Map<number, OpenPath>();
  /** By the name that libfuse believes them to have. */
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

  /** Forgets it; its owner closes it. */
  take(fd: number): OpenPath | undefined {
    const file = this.#open.get(fd);
    this.#open.delete(fd);
    return file;
  }

  /** Forgets all. */
  drain(): OpenPath[] {
    const all = [...this.#open.values()];
    this.#open.clear();
    this.#hidden.clear();
    return all;
  }

  /** Who has the node open; one that may write if there is one. */
  of(node: string): OpenPath | undefined {
    const files = [...this.#open.values()].filter(({ handle }) => handle.node === node);
    return files.find(({ writable }) => writable) ?? files[0];
  }

  /** The file that has no name in the tree any more, by the one libfuse gave it. */
  hidden(path: string): OpenPath | undefined {
    return this.#hidden.get(path);
  }

  hide(path: string, file: OpenPath): void {
    this.#hidden.set(path, file);
  }

  /** True if there was such a file. */
  unhide(path: string): boolean {
    return this.#hidden.delete(path);
  }

  /** Whether this is libfuse's way to say that an open file was removed. */
  static isRemoval(from: string, to: string): boolean {
    return HIDDEN.test(basename(to)) && dirname(from) === dirname(to);
  }

  #next(): number {
    do this.#last = (this.#last % 0x7fff_ffff) + 1;
    while (this.#open.has(this.#last));
    return this.#last;
  }
}
