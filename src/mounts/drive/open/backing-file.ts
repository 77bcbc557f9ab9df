import { type BigIntStats, fstatSync, futimesSync } from 'node:fs';
import type { StagedFile } from '../../../cache/content/content.ts';
import type { Borrowed } from '../../../cache/disk/file-pool.ts';
import type { Backing } from '../../../vfs/file-system.ts';

/** Interval between checks for writes of the kernel, ms: how long a write can take to reach the disk and listings. */
const LOOK = 1000;

/** What the kernel has written: the size, and when, ms since 1970. */
export interface Seen {
  readonly size: number;
  readonly mtime: number;
}

/** A file that kernels access directly, for handles of one node, and what they write into it. */
export class BackingFile {
  readonly backing: Backing;
  /** The staged file that is written into. */
  readonly staged: StagedFile | undefined;
  readonly #file: Borrowed;
  readonly #look: () => void;
  #users = 0;
  #writers = 0;
  #seen: string;
  /**
   * The result of a check in this turn of the microtask queue, within which a write and a slightly later one cannot be
   * distinguished.
   */
  #recent: Seen | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param look Called now and then while a kernel may write. */
  constructor(file: Borrowed, staged: StagedFile | undefined, look: () => void) {
    this.#file = file;
    this.staged = staged;
    this.#look = look;
    const stats = fstatSync(file.fd, { bigint: true });
    this.backing = { fd: file.fd, key: `${stats.dev}:${stats.ino}` };
    this.#seen = nameOf(stats);
    this.#remember(stats);
  }

  get isUsed(): boolean {
    return this.#users > 0;
  }

  get isWritten(): boolean {
    return this.#writers > 0;
  }

  use(write: boolean): void {
    this.#users++;
    if (!write || this.#writers++ > 0) return;
    this.#note();
    this.#timer = setInterval(this.#look, LOOK).unref();
  }

  /** Call `seen` before, for what the writer has written. */
  leave(write: boolean): void {
    if (write && --this.#writers === 0) clearInterval(this.#timer);
    if (--this.#users === 0) this.#file.release();
  }

  /** What was written since the last check; `undefined` if nothing was. */
  seen(): Seen | undefined {
    const before = this.#seen;
    const seen = this.#note();
    if (before === this.#seen) return undefined;
    this.staged?.touched();
    return seen;
  }

  /** The time of the file was set explicitly; that of later writes is detected again. */
  setTime(mtime: number): void {
    futimesSync(this.#file.fd, mtime / 1000, mtime / 1000);
    this.#recent = undefined;
    this.#note();
  }

  #note(): Seen {
    if (this.#recent !== undefined) return this.#recent;
    const stats = fstatSync(this.#file.fd, { bigint: true });
    this.#seen = nameOf(stats);
    return this.#remember(stats);
  }

  #remember({ size, mtimeNs }: BigIntStats): Seen {
    queueMicrotask(() => (this.#recent = undefined));
    return (this.#recent = { size: Number(size), mtime: Number(mtimeNs / 1000n) / 1000 });
  }
}

/** The backing file for one more handle: the last one again, if that is in use and is the same file. Takes over `file`. */
export function backingFor(
  file: Borrowed,
  staged: StagedFile | undefined,
  last: BackingFile | undefined,
  look: () => void,
): BackingFile {
  const backing = new BackingFile(file, staged, look);
  const isLast = last?.isUsed === true && last.backing.key === backing.backing.key && last.staged === staged;
  if (isLast) file.release();
  return isLast ? last : backing;
}

/** Distinguishes a file before and after a write. */
function nameOf({ size, mtimeNs }: BigIntStats): string {
  return `${size} ${mtimeNs}`;
}
