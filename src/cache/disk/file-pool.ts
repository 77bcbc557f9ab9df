import { closeSync, constants, openSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { DataMap } from '../../libc/data-map.ts';

/** An open file that somebody works with. */
export interface Borrowed {
  readonly fd: number;
  /** The same file once more, also when it has lost its name meanwhile. */
  share(): Borrowed;
  /** Idempotent. */
  release(): void;
}

interface PooledFile {
  readonly fd: number;
  users: number;
  /** Not to be lent again: closed with its last user. */
  retired: boolean;
}

/**
 * Open descriptors by path. Files in use stay open whatever their number; of those nobody uses some are kept, as opening
 * costs more than a small read.
 */
export class FilePool {
  /** Where in the files data lies. */
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

  /** The file, opened for reading and writing, made if `create`. @throws what `openSync` throws */
  borrow(path: string, { create = false } = {}): Borrowed {
    const file = this.#files.get(path);
    if (file === undefined) {
      return this.add(path, openSync(path, constants.O_RDWR | (create ? constants.O_CREAT : 0), 0o600));
    }
    this.#idle.delete(path);
    return this.#lend(path, file);
  }

  /** A file that was opened for reading and writing elsewhere and is the pool's now. */
  add(path: string, fd: number): Borrowed {
    const file: PooledFile = { fd, users: 0, retired: false };
    this.#files.set(path, file);
    return this.#lend(path, file);
  }

  /** Must be called when the path is removed or becomes another file; who has it borrowed keeps the old one. */
  forget(path: string): void {
    this.#idle.delete(path);
    const file = this.#files.get(path);
    if (file !== undefined) this.#retire(path, file);
  }

  /** Closes all that nobody uses; the others close with their last user. */
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
