import { isFsError } from '../../vfs/fs-error.ts';
import type { DiskSync } from '../../libc/disk-sync.ts';
import type { FilePool } from './file-pool.ts';
import { FolderSync } from './folder-sync.ts';

/** A file becomes due after this time without a write, ms, unless it is written for too long. */
const QUIET = 300;
const LONGEST = 30_000;
/** Number of files above which one call for the whole file system costs less than one for each file. */
const MANY = 16;
/** Files that are synced at the same time. More would occupy libuv's threads that callers are waiting for. */
const LANES = 2;

export interface UnsyncedFilesOptions {
  readonly dir: string;
  readonly pool: FilePool;
  readonly sync: DiskSync;
  /** Called when there is something to sync; `commit` should be called soon. */
  readonly soon: () => void;
}

interface Stretch {
  /** ms of `performance.now()` */
  readonly first: number;
  last: number;
}

/** The files in a folder that were changed since they were last synced. */
export class UnsyncedFiles {
  readonly #options: UnsyncedFilesOptions;
  readonly #names: FolderSync;
  readonly #files = new Map<string, Stretch>();

  constructor(options: UnsyncedFilesOptions) {
    this.#options = options;
    this.#names = new FolderSync(options.dir);
  }

  get disk(): DiskSync {
    return this.#options.sync;
  }

  created(path: string): void {
    this.#names.changed();
    this.changed(path);
  }

  changed(path: string): void {
    const now = performance.now();
    const stretch = this.#files.get(path);
    if (stretch !== undefined) stretch.last = now;
    else {
      this.#files.set(path, { first: now, last: now });
      this.#options.soon();
    }
  }

  /** Adds a file that an earlier process has left. */
  left(path: string): void {
    this.changed(path);
    this.finished(path);
  }

  /** Records that a file is no longer written, so that it is due at once. */
  finished(path: string): void {
    const stretch = this.#files.get(path);
    if (stretch !== undefined) stretch.last = -Infinity;
  }

  /** Removes a file that is synced or deleted. */
  forget(path: string): void {
    this.#files.delete(path);
  }

  /** Syncs the names that were added. */
  syncNames(): Promise<void> {
    return this.#names.sync();
  }

  /**
   * Syncs the files that are due; files that are still being written follow later. A file that could not be synced
   * stays due.
   * @throws EIO, ENOSPC
   */
  async commit(): Promise<void> {
    const now = performance.now();
    const isDue = ({ first, last }: Stretch): boolean => now - last >= QUIET || now - first >= LONGEST;
    const due = [...this.#files].flatMap(([path, stretch]) => (isDue(stretch) ? [path] : []));
    try {
      await this.#sync(due);
    } finally {
      if (this.#files.size > 0) this.#options.soon();
    }
  }

  /** Syncs all files. @throws EIO, ENOSPC */
  async syncAll(): Promise<void> {
    await this.#sync([...this.#files.keys()]);
  }

  async #sync(due: readonly string[]): Promise<void> {
    const { all } = this.#options.sync;
    if (all !== undefined && due.length > MANY) await this.#syncTogether(() => all(this.#options.dir));
    else await this.#syncEach(due);
    await this.#names.sync();
  }

  async #syncTogether(all: () => Promise<void>): Promise<void> {
    const covered = new Map(this.#files);
    this.#files.clear();
    try {
      await all();
    } catch (error) {
      for (const [path, stretch] of covered) if (!this.#files.has(path)) this.#files.set(path, stretch);
      throw error;
    }
  }

  async #syncEach(due: readonly string[]): Promise<void> {
    const paths = due.values();
    const failures: unknown[] = [];
    const lane = async (): Promise<void> => {
      for (const path of paths) await this.#syncOne(path).catch((error: unknown) => failures.push(error));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    if (failures.length > 0) throw failures[0];
  }

  async #syncOne(path: string): Promise<void> {
    const stretch = this.#files.get(path);
    if (stretch === undefined) return;
    // Later writes are recorded as a new change.
    this.#files.delete(path);
    try {
      const file = this.#options.pool.borrow(path);
      try {
        await this.#options.sync.file(file.fd);
      } finally {
        file.release();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || isFsError(error, 'ENOENT')) return;
      if (!this.#files.has(path)) this.#files.set(path, stretch);
      throw error;
    }
  }
}
