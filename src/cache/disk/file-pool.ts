import { closeSync, constants, openSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { DataMap } from '../../libc/data-map.ts';

/** An open file that is borrowed from the pool. */
export interface Borrowed {
  readonly fd: number;
  /** Borrows the same file again, even if it has lost its name in the meantime. */
  share(): Borrowed;
  /** Idempotent. */
  release(): void;
}

interface PooledFile {
  readonly fd: number;
  users: number;
  /** Whether the file must not be borrowed again, and is closed with its last user. */
  retired: boolean;
}

/**
 * A pool of open descriptors by path. Files in use stay open, however many there are; some unused ones are kept open,
 * because opening costs more than a small read.
 */
export class FilePool {
  /** Finds the data in sparse files. */
  readonly map = new DataMap();
  readonly #files = new Map<string, PooledFile>();
  readonly #idle: LRUCache<string, PooledFile>;

  constructor(idle = 128) {
    this.#idle = new LRUCache<string, PooledFile>({
      max: idle,
      dispose: (file, path, reason) => {
        if (reason === 'evict') this.#retire(path, file);
      },
    });
  }

  /** Borrows a file, opened for reading and writing, and created if `create` is set. @throws what `openSync` throws */
  borrow(path: string, { create = false } = {}): Borrowed {
    const file = this.#files.get(path);
    if (file === undefined) {
      return this.add(path, openSync(path, constants.O_RDWR | (create ? constants.O_CREAT : 0), 0o600));
    }
    this.#idle.delete(path);
    return this.#lend(path, file);
  }

  /** Adds and borrows a file that was opened for reading and writing elsewhere. The pool now owns the descriptor. */
  add(path: string, fd: number): Borrowed {
    const file: PooledFile = { fd, users: 0, retired: false };
    this.#files.set(path, file);
    return this.#lend(path, file);
  }

  /** Must be called when the path is removed or becomes another file. Borrowers keep the old one. */
  forget(path: string): void {
    this.#idle.delete(path);
    const file = this.#files.get(path);
    if (file !== undefined) this.#retire(path, file);
  }

  /** Closes all unused files; the others are closed with their last user. */
  close(): void {
    for (const path of this.#files.keys()) this.forget(path);
  }

  #lend(path: string, file: PooledFile): Borrowed {
    let released = false;
    file.users++;
    return {
      fd: file.fd,
      share: () => this.#lend(path, file),
      release: () => {
        if (released) return;
        released = true;
        if (--file.users > 0) return;
        if (file.retired) closeSync(file.fd);
        else this.#idle.set(path, file);
      },
    };
  }

  #retire(path: string, file: PooledFile): void {
    file.retired = true;
    this.#files.delete(path);
    if (file.users === 0) closeSync(file.fd);
  }
}
