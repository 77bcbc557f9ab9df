import PQueue from 'p-queue';
import { asFsError, FsError, isFsError } from '../vfs/fs-error.ts';
import { placeByName, relate, type RealPlace } from './real-place.ts';
import { wordsOf } from '../vfs/words-of.ts';
import type { SourceRequest, SourceResponse } from './source-thread.ts';
import { askSource } from './start-source-thread.ts';

/** Ms that are waited for a disk. */
const TIMEOUT = 3000;
/** Folders that are looked for at a time. */
const AT_ONCE = 8;

/** A folder that is already in use. `what` names its use in messages: "the drive", "the backup set Documents". */
export interface TakenFolder {
  readonly what: string;
  readonly path: string;
}

/**
 * The real path of a folder that may become the source of a backup set: it is neither inside nor around another folder
 * that Fjord uses, whatever links, bind mounts and spellings lead there.
 * @throws EINVAL that names the other; ENOENT, ENOTDIR, EACCES
 */
export async function checkFolder(folder: string, others: readonly TakenFolder[]): Promise<string> {
  const path = await ask<string | undefined>(folder, { ask: 'folder' }).catch((error: unknown) => {
    if (isFsError(error, 'EINTR')) throw silent('backup', folder);
    throw unusable(error, folder);
  });
  if (path === undefined) {
    throw new FsError('ENOTDIR', 'backup', { subject: folder, reason: 'it is not a folder; name a folder' });
  }
  await refuseTaken('backup', folder, others);
  return path;
}

/**
 * The same for a mount point, which need not exist yet, and cannot be accessed if a dead mount is on it.
 * @throws EINVAL, which names the other folder
 */
export async function checkMountPlace(folder: string, others: readonly TakenFolder[]): Promise<void> {
  await refuseTaken('mount', folder, others);
}

async function refuseTaken(op: string, folder: string, others: readonly TakenFolder[]): Promise<void> {
  const place = await placeOf(folder);
  const queue = new PQueue({ concurrency: AT_ONCE });
  const places = await queue.addAll(
    others.map(
      ({ path }) =>
        async () =>
          placeOf(path),
    ),
  );
  for (const [i, { what, path }] of others.entries()) {
    const relation = relate(place, places[i] ?? placeByName(path));
    if (relation)
      throw new FsError('EINVAL', op, { subject: folder, reason: `the folder ${relation} ${what}, ${path}` });
  }
}

/** A disk that hangs keeps no other folder from being used: of one on it, the name alone is compared. */
async function placeOf(folder: string): Promise<RealPlace> {
  return await ask<RealPlace>(folder, { ask: 'place' }).catch(() => placeByName(folder));
}

/** @throws EINTR if the disk does not answer; errors of node:fs */
async function ask<R extends SourceResponse>(folder: string, request: SourceRequest): Promise<R> {
  return await askSource<R>(folder, request, AbortSignal.timeout(TIMEOUT));
}

function unusable(error: unknown, folder: string): FsError {
  const { code } = asFsError(error, 'backup');
  const reason = code === 'ENOENT' ? 'there is no such folder' : `it cannot be read: ${wordsOf(error)}`;
  return new FsError(code, 'backup', { subject: folder, reason, cause: error });
}

function silent(op: string, folder: string): FsError {
  return new FsError('ETIMEDOUT', op, { subject: folder, reason: 'its disk does not answer' });
}
