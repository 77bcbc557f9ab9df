import { EBADF, Errno } from './errno.ts';
import type { InodeTable } from './inode-table.ts';
import { OpenFile, type Inode, type Opened } from './inode.ts';

/** The open files, by their numbers. */
export class OpenFiles {
  readonly #inodes: InodeTable;
  readonly #files = new Map<number, OpenFile>();
  #last = 0;

  constructor(inodes: InodeTable) {
    this.#inodes = inodes;
  }

  add(inode: Inode, opened: Opened): OpenFile {
    const file = new OpenFile(++this.#last, inode, opened);
    this.#files.set(file.fh, file);
    (inode.files ??= new Set()).add(file);
    return file;
  }

  /** @throws Errno EBADF */
  get(fh: number): OpenFile {
    const file = this.#files.get(fh);
    if (file === undefined) throw new Errno(EBADF);
    return file;
  }

  has({ fh }: OpenFile): boolean {
    return this.#files.has(fh);
  }

  remove(file: OpenFile): void {
    this.#files.delete(file.fh);
    const { inode } = file;
    inode.files?.delete(file);
    if (inode.files?.size === 0) inode.files = undefined;
    this.#inodes.release(inode);
  }

  /** Removes all open files from the table; the caller closes them. */
  drain(): OpenFile[] {
    const all = [...this.#files.values()];
    for (const file of all) this.remove(file);
    return all;
  }
}
