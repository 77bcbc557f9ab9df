import { fdatasync } from 'node:fs';
import { open } from 'node:fs/promises';
import koffi from 'koffi';
import { FsError, asFsError } from '../vfs/fs-error.ts';

/** How bytes get from the page cache to the disk. */
export interface DiskSync {
  /** The bytes of an open file, and its length. @throws EIO, ENOSPC */
  readonly file: (fd: number) => Promise<void>;
  /** Everything on the file system that a folder is on, in one call; absent where there is no such call. @throws EIO, ENOSPC */
  readonly all?: (dir: string) => Promise<void>;
}

/** `fdatasync`, and syncfs(2) where the C library has it. */
export function systemSync(): DiskSync {
  const syncfs = findSyncfs();
  if (syncfs === undefined) return { file: syncFile };
  return { file: syncFile, all: (dir) => syncAll(syncfs, dir) };
}

/** 0, or something else where it failed. */
type Syncfs = (fd: number) => Promise<number>;

function syncFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => (error === null ? resolve() : reject(asFsError(error, 'fsync'))));
  });
}

async function syncAll(syncfs: Syncfs, dir: string): Promise<void> {
  try {
    await using folder = await open(dir, 'r');
    if ((await syncfs(folder.fd)) === 0) return;
  } catch (error) {
    throw asFsError(error, 'fsync', dir);
  }
  throw new FsError('EIO', 'fsync', { subject: dir, reason: 'the file system could not be synced' });
}

/** A C library without it, or of another name (musl), leaves the files to be synced one by one. */
function findSyncfs(): Syncfs | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const call = koffi.load('libc.so.6').func('syncfs', 'int', ['int']);
    // A failure to call is a failure to sync.
    return (fd) =>
      new Promise((resolve) => call.async(fd, (error: unknown, result: number) => resolve(error ? -1 : result)));
  } catch {
    return undefined;
  }
}
