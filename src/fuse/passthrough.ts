import type { Awaitable, Context } from '../vfs/context.ts';
import type { Backing, FileHandle, OpenMode } from '../vfs/file-system.ts';
import { rescue } from './awaitable.ts';
import type { Inode, OpenFile } from './inode.ts';
import { SmallWriters } from './small-writers.ts';

/** Registers backing files with the kernel, which then reads and writes them itself. */
export interface BackingRegistry {
  /**
   * Registers an open file. Returns its backing id; `undefined` if the kernel refuses (no CAP_SYS_ADMIN, a stacked file
   * system).
   */
  register(fd: number): number | undefined;
  unregister(id: number): void;
  /** True while the file is also open elsewhere, or mapped. */
  isShared(fd: number): boolean;
}

/** The circumstances of an open. */
export interface Opening {
  readonly mode: OpenMode;
  /** Whether this open creates or truncates the file. */
  readonly fresh: boolean;
  /** Whether every write is appended, as to a log, which may be open for days. */
  readonly append: boolean;
  /**
   * Whether the file has privileges that a write by an unprivileged user must remove, so that the server must see
   * writes.
   */
  readonly isPrivileged: boolean;
  /** Size of the file in bytes. */
  readonly size: number;
  /** The process that opens it. */
  readonly pid: number;
}

/**
 * Smallest file in bytes that is opened for reading with passthrough. Smaller ones gain more from the kernel's page
 * cache, which it keeps across opens.
 */
const READ_MIN = 4 << 20;

/** First and longest interval between checks whether a file is still mapped, ms. */
const LOOK_FIRST = 5;
const LOOK_MOST = 2000;

/** How long to wait for the end of a read-only mapping, ms. */
const READER_TIMEOUT = 60_000;

/**
 * Files that the kernel reads and writes directly (`FOPEN_PASSTHROUGH`).
 *
 * The kernel's rule: while an inode is open, all its opens are in one mode, cached by the kernel or passed on, and all are
 * passed on to the same file. So an open follows the mode that its inode is in; only the first may choose. It chooses to
 * pass on what is written from its beginning by who cannot map it (`cp`, `dd`), unless that has made only small files lately
 * (`tar`), and what is read and large.
 *
 * A mapping outlives its open file, invisibly to the server. So a handle that may have been mapped is closed only when
 * the backing file is no longer in use.
 */
export class Passthrough {
  /** False if passthrough is turned off. */
  readonly wanted: boolean;
  /** Set by INIT, if the kernel supports passthrough. */
  enabled = false;
  readonly #registry: BackingRegistry;
  readonly #small = new SmallWriters();

  constructor(registry: BackingRegistry, wanted: boolean) {
    this.#registry = registry;
    this.wanted = wanted;
  }

  /**
   * The backing file of a handle, whose node has the inode `inode`, if any; `undefined` if passthrough is not to be
   * used.
   */
  ask(inode: Inode | undefined, handle: FileHandle, how: Opening, context: Context): Awaitable<Backing | undefined> {
    if (!this.#wants(inode, how)) return undefined;
    return rescue<Backing | undefined>(
      () => handle.backing?.(context),
      () => undefined,
    );
  }

  /** Adds an open of the inode. @returns false if it cannot be opened in the inode's current mode */
  enter(inode: Inode, backing: Backing | undefined): boolean {
    const { registered } = inode;
    if (registered !== undefined) {
      if (backing?.key !== registered.key) return false;
      registered.users++;
      return true;
    }
    if (backing === undefined || inode.files !== undefined) return true;
    const id = this.#registry.register(backing.fd);
    // If the kernel refuses once, it will always refuse.
    if (id === undefined) this.enabled = false;
    else inode.registered = { id, key: backing.key, users: 1 };
    return true;
  }

  /** Removes an open of the inode. */
  leave(inode: Inode): void {
    const { registered } = inode;
    if (registered === undefined || --registered.users > 0) return;
    inode.registered = undefined;
    this.#registry.unregister(registered.id);
  }

  /** Calls `end` once no mapping of the file through this handle can be left; at once if there cannot be one. */
  whenUnmapped(file: OpenFile, isOpen: () => boolean, end: () => void): boolean {
    const { backing, readable, writable } = file;
    if (backing === undefined || !readable || !this.#registry.isShared(backing.fd)) return true;
    const until = writable ? Infinity : performance.now() + READER_TIMEOUT;
    let pause = LOOK_FIRST;
    const look = (): void => {
      if (!isOpen()) return;
      if (performance.now() > until || !this.#registry.isShared(backing.fd)) return end();
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
    if (inode?.registered !== undefined) return true;
    if (inode?.files !== undefined) return false;
    if (mode.write) return fresh && !mode.read && !append && !isPrivileged && !this.#small.expects(pid);
    return size >= READ_MIN && inode?.restless !== true;
  }
}
