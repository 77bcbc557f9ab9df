import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { asFsError, FsError } from '../vfs/fs-error.ts';

/** A folder that has a purpose already; `what` names it in a sentence: "the drive", "the backup set Documents". */
export interface TakenFolder {
  readonly what: string;
  readonly path: string;
}

/**
 * The real path of a folder that may become the source of a backup set: it is neither inside nor around another folder
 * that Fjord uses, whatever links lead there.
 * @throws EINVAL that names the other; ENOENT, ENOTDIR, EACCES
 */
export async function checkFolder(folder: string, others: readonly TakenFolder[]): Promise<string> {
  const path = await realpath(folder).catch((error: unknown) => {
    throw asFsError(error, 'backup', folder);
  });
  if (!(await stat(path)).isDirectory()) {
    throw new FsError('ENOTDIR', 'backup', { subject: folder, reason: 'not a folder' });
  }
  await refuseTaken('backup', { folder, path }, others);
  return path;
}

/**
 * The same for the place of a mount, which need not be there yet, and cannot be entered if a dead mount lies on it.
 * @throws EINVAL that names the other
 */
export async function checkMountPlace(folder: string, others: readonly TakenFolder[]): Promise<void> {
  await refuseTaken('mount', { folder, path: await realPlace(folder) }, others);
}

/** The real path of the nearest folder that has one, and the names below it. */
async function realPlace(folder: string): Promise<string> {
  const above = dirname(folder);
  if (above === folder) return folder;
  return realpath(folder).catch(async () => join(await realPlace(above), basename(folder)));
}

async function refuseTaken(
  op: string,
  { folder, path }: { readonly folder: string; readonly path: string },
  others: readonly TakenFolder[],
): Promise<void> {
  for (const { what, path: taken } of others) {
    const relation = relate(path, await realPlace(taken));
    if (relation)
      throw new FsError('EINVAL', op, { subject: folder, reason: `the folder ${relation} ${what}, ${taken}` });
  }
}

function relate(path: string, other: string): string | undefined {
  if (path === other) return 'already is';
  if (isBelow(path, other)) return 'is inside';
  return isBelow(other, path) ? 'contains' : undefined;
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
