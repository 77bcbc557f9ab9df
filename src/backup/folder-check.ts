import { realpath, stat } from 'node:fs/promises';
import { asFsError, FsError } from '../vfs/fs-error.ts';
import { realPlaceOf, relate } from './real-place.ts';

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
  const path = await realpath(folder).catch((error: unknown) => {
    throw asFsError(error, 'backup', folder);
  });
  if (!(await stat(path)).isDirectory()) {
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
  const place = await realPlaceOf(folder);
  for (const { what, path } of others) {
    const relation = relate(place, await realPlaceOf(path));
    if (relation)
      throw new FsError('EINVAL', op, { subject: folder, reason: `the folder ${relation} ${what}, ${path}` });
  }
}
