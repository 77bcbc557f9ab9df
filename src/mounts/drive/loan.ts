import { fstatSync, futimesSync } from 'node:fs';
import type { StagedFile } from '../../cache/content.ts';
import type { Borrowed } from '../../cache/file-pool.ts';
import type { Backing } from '../../vfs/file-system.ts';

/** How often somebody looks what was written, ms: for how long it can stay without being on the disk or in a listing. */
const LOOK = 1000;

/** What others have written: the size, and when, ms since 1970. */
export interface Seen {
  readonly size: number;
  readonly mtime: number;
}

/** A file that is lent to kernels, for handles of one node, and what they write into it. */
export class Loan {
  readonly backing: Backing;
  /** What is written into. */
  readonly staged: StagedFile | undefined;
  readonly #file: Borrowed;
  readonly #look: () => void;
  #users = 0;
  #writers = 0;
  #seen = '';
  #timer: NodeJS.Timeout | undefined;

  /** @param look Called now and then while somebody may write. */
  constructor(file: Borrowed, staged: StagedFile | undefined, look: () => void) {
    this.#file = file;
    this.staged = staged;
    this.#look = look;
    const { dev, ino } = fstatSync(file.fd);
    this.backing = { fd: file.fd, key: `${dev}:${ino}` };
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

  /** Look before what the writer has left. */
  leave(write: boolean): void {
    if (write && --this.#writers === 0) clearInterval(this.#timer);
    if (--this.#users === 0) this.#file.release();
  }

  /** What was written since the last look; nothing if nothing was. */
  seen(): Seen | undefined {
    const before = this.#seen;
    const seen = this.#note();
    if (before === this.#seen) return undefined;
    this.staged?.touched();
    return seen;
  }

  /** Somebody set the time of the file: that of later writes is its own. */
  setTime(mtime: number): void {
    futimesSync(this.#file.fd, mtime / 1000, mtime / 1000);
    this.#note();
  }

  #note(): Seen {
    const { size, mtimeNs } = fstatSync(this.#file.fd, { bigint: true });
    this.#seen = `${size} ${mtimeNs}`;
    return { size: Number(size), mtime: Number(mtimeNs / 1000n) / 1000 };
  }
}
