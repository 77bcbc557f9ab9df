import type { Awaitable, Context } from '../vfs/context.ts';
import type { Backing, FileHandle, OpenMode } from '../vfs/file-system.ts';
import { rescue } from './awaitable.ts';
import type { Inode, OpenFile } from './inode.ts';
import { SmallWriters } from './small-writers.ts';

/** The kernel's side: it is given files to which it passes reads and writes on. */
export interface Borrower {
  /** The kernel's number for an open file; nothing if it refuses (no CAP_SYS_ADMIN, a file system that is stacked). */
  lend(fd: number): number | undefined;
  takeBack(id: number): void;
  /** True while somebody else has the file open, or mapped. */
  isShared(fd: number): boolean;
}

/** How a file is being opened. */
export interface Opening {
  readonly mode: OpenMode;
  /** It was made, or emptied, by this. */
  readonly fresh: boolean;
  /** Every write goes to the end: a log that may be open for days. */
  readonly append: boolean;
  /** A write by somebody without privileges takes some off the file; so writes must come by here. */
  readonly isPrivileged: boolean;
  /** Bytes that it has. */
  readonly size: number;
  /** The process that opens it. */
  readonly pid: number;
}

/** Below this the pages that the kernel keeps over `open` are worth more. */
const READ_MIN = 4 << 20;

/** Milliseconds between looks whether a file is still mapped, first and at most. */
const LOOK_FIRST = 5;
const LOOK_MOST = 2000;

/** Milliseconds after which a mapping that can only be read is no longer waited for. */
const READER_PATIENCE = 60_000;

/**
 * Files that the kernel reads and writes by itself (`FOPEN_PASSTHROUGH`).
 *
 * The kernel's rule: while an inode is open, all its opens are in one mode, cached by the kernel or passed on, and all are
 * passed on to the same file. So an open follows the mode that its inode is in; only the first may choose. It chooses to
 * pass on what is written from its beginning by who cannot map it (`cp`, `dd`), unless that has made only small files lately
 * (`tar`), and what is read and large.
 *
 * A mapping outlives its handle, unseen by us: so a handle that could have been mapped is closed when nobody has the file.
 */
export class Loans {
  /** False if nothing is to be lent. */
  readonly wanted: boolean;
  /** Set by INIT, if the kernel can. */
  enabled = false;
  readonly #borrower: Borrower;
  readonly #small = new SmallWriters();

  constructor(borrower: Borrower, wanted: boolean) {
    this.#borrower = borrower;
    this.wanted = wanted;
  }

  /** What is behind a handle of a node whose inode, if it has one, is `inode`; nothing if it is not to be passed on. */
  ask(inode: Inode | undefined, handle: FileHandle, how: Opening, context: Context): Awaitable<Backing | undefined> {
    if (!this.#wants(inode, how)) return undefined;
    return rescue<Backing | undefined>(
      () => handle.backing?.(context),
      () => undefined,
    );
  }

  /** Lends for one more open of the inode. @returns false if that cannot be opened in the mode that the inode is in */
  enter(inode: Inode, backing: Backing | undefined): boolean {
    const { lent } = inode;
    if (lent !== undefined) {
      if (backing?.key !== lent.key) return false;
      lent.users++;
      return true;
    }
    if (backing === undefined || inode.files !== undefined) return true;
    const id = this.#borrower.lend(backing.fd);
    // Refused once, refused always.
    if (id === undefined) this.enabled = false;
    else inode.lent = { id, key: backing.key, users: 1 };
    return true;
  }

  /** One open less. */
  leave(inode: Inode): void {
    const { lent } = inode;
    if (lent === undefined || --lent.users > 0) return;
    inode.lent = undefined;
    this.#borrower.takeBack(lent.id);
  }

  /** Calls `end` when no mapping of the file is left that the handle may have been used for; at once if none can be. */
  whenUnmapped(file: OpenFile, isOpen: () => boolean, end: () => void): boolean {
    const { loan, readable, writable } = file;
    if (loan === undefined || !readable || !this.#borrower.isShared(loan.fd)) return true;
    const until = writable ? Infinity : performance.now() + READER_PATIENCE;
    let pause = LOOK_FIRST;
    const look = (): void => {
      if (!isOpen()) return;
      if (performance.now() > until || !this.#borrower.isShared(loan.fd)) return end();
      setTimeout(look, (pause = Math.min(2 * pause, LOOK_MOST))).unref();
    };
    setTimeout(look, pause).unref();
    return false;
  }

  /** A process has closed a file of this many bytes that it made. */
  wrote(pid: number, size: number): void {
    this.#small.wrote(pid, size);
  }

  #wants(inode: Inode | undefined, { mode, fresh, append, isPrivileged, size, pid }: Opening): boolean {
    if (!this.enabled) return false;
    if (inode?.lent !== undefined) return true;
    if (inode?.files !== undefined) return false;
    if (mode.write) return fresh && !mode.read && !append && !isPrivileged && !this.#small.expects(pid);
    return size >= READ_MIN && inode?.restless !== true;
  }
}
