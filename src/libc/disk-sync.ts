import { fdatasync } from 'node:fs';
import { open } from 'node:fs/promises';
import koffi, { type KoffiFunc } from 'koffi';
import { FsError, asFsError } from '../vfs/fs-error.ts';

/** Syncs bytes from the page cache to the disk. */
export interface DiskSync {
  /** Syncs the bytes and the length of an open file. @throws EIO, ENOSPC */
  readonly file: (fd: number) => Promise<void>;
  /** Syncs the whole file system of a folder in one call; absent if the system has no such call. @throws EIO, ENOSPC */
  readonly all?: (dir: string) => Promise<void>;
}

/** The system's calls: `fdatasync`, and syncfs(2) if the C library has it. */
export function systemSync(): DiskSync {
  const syncfs = findSyncfs();
  if (syncfs === undefined) return { file: syncFile };
  return { file: syncFile, all: (dir) => syncAll(syncfs, dir) };
}

/** Resolves to 0, or to another number if it failed. */
type Syncfs = (fd: number) => Promise<number>;

function syncFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => (error === null ? resolve() : reject(asFsError(error, 'fsync'))));
  });
}

/** As `DiskSync.all`, on a thread that may wait. @returns false if the system has no such call */
export class WholeSync {
  readonly #syncfs = load();

  /** Syncs the file system of an open file or folder. @throws EIO */
  sync(fd: number): boolean {
    if (this.#syncfs === undefined) return false;
    if (this.#syncfs(fd) === 0) return true;
    throw Object.assign(new Error('EIO: syncfs'), { code: 'EIO' });
  }
}

async function syncAll(syncfs: Syncfs, dir: string): Promise<void> {
  try {
    await using folder = await open(dir, 'r');
    if ((await syncfs(folder.fd)) === 0) return;
  } catch (error) {
    throw asFsError(error, 'fsync', dir);
  }
  throw new FsError('EIO', 'fsync', {
    subject: dir,
    reason: 'the file system of the cache could not be synced; check its disk',
  });
}

/** If the C library lacks it or has another name (musl), files are synced one by one. */
function findSyncfs(): Syncfs | undefined {
  const call = load();
  // If the call itself fails, the sync has failed.
  return (
    call &&
    ((fd) => new Promise((resolve) => call.async(fd, (error: unknown, result: number) => resolve(error ? -1 : result))))
  );
}

/** syncfs(2) */
function load(): KoffiFunc<(fd: number) => number> | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return koffi.load('libc.so.6').func('syncfs', 'int', ['int']) as KoffiFunc<(fd: number) => number>;
  } catch {
    return undefined;
  }
}
