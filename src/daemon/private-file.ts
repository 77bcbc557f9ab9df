import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FsError } from '../vfs/fs-error.ts';

/** Names of the files in Fjord's own folders. */
const OURS: ReadonlySet<string> = new Set(
  'account.json device.json webdav.json ports.json access.json owner.json clock.json meta.db metadata-in-postgresql gateway'.split(
    ' ',
  ),
);

/**
 * Creates a folder, and missing folders above it, that only its owner can enter. An existing folder that others can
 * enter is closed to them if it is empty or contains Fjord's data.
 * @throws FsError EACCES if it belongs to another user, or others can enter it and it contains anything else
 */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const uid = process.getuid?.();
  if (uid === undefined) return;
  const stats = await stat(path);
  if (stats.uid !== uid) throw refused(path, 'this folder belongs to another user; name a folder of your own');
  if ((stats.mode & 0o077) === 0) return;
  const names = await readdir(path);
  if (names.length > 0 && !names.some((name) => OURS.has(name))) {
    throw refused(
      path,
      'other users can enter this folder, and it contains other files; name an empty folder, or use chmod 700',
    );
  }
  await chmod(path, 0o700);
}

/**
 * Makes those of the files that exist unreadable for other users. @throws FsError EACCES if one belongs to another user
 */
export async function closeToOthers(paths: readonly string[]): Promise<void> {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  for (const path of paths) {
    const stats = await lstat(path).catch(() => undefined);
    if (stats === undefined || !stats.isFile()) continue;
    if (stats.uid !== uid) throw refused(path, 'this file belongs to another user; restore it or remove it');
    if ((stats.mode & 0o077) !== 0) await chmod(path, 0o600);
  }
}

function refused(subject: string, reason: string): FsError {
  return new FsError('EACCES', 'open', { subject, reason });
}

/**
 * Writes a file that only its owner can read, completely or not at all: to a temporary file next to it, which is synced
 * and renamed over it. Concurrent writers do not disturb each other; the last one wins.
 */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The content of a file, or undefined if there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
