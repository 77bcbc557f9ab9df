import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FsError } from '../vfs/fs-error.ts';

/** What Fjord's own folders have in them. */
const OURS: ReadonlySet<string> = new Set(
  'account.json device.json webdav.json ports.json access.json owner.json clock.json meta.db metadata-in-postgresql gateway'.split(
    ' ',
  ),
);

/**
 * Makes a folder, and those above it, that only its owner can enter. One that is there already and open to others is closed
 * to them, if it is empty or holds Fjord's data.
 * @throws FsError EACCES if it belongs to another user, or is open to others and holds something else
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
      'other users may enter this folder, and it holds other things; name an empty one, or use chmod 700',
    );
  }
  await chmod(path, 0o700);
}

/** Closes files to other users, those of them that are there. @throws FsError EACCES if one belongs to another user */
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
 * Writes a file that only its owner can read, wholly or not at all: to a file beside it, synced, then renamed over it.
 * Concurrent writers do not disturb each other; the last one counts.
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
