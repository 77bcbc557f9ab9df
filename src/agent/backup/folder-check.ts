import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { asFsError, FsError } from '../../vfs/fs-error.ts';

/** A folder that has a purpose already; `what` names it in a sentence: "the drive", "the backup set Documents". */
export interface TakenFolder {
  readonly what: string;
  readonly path: string;
}

/**
 * The real path of a folder that may become the source of a backup set, or the place of a mount: it is neither inside
 * nor around another folder that Fjord uses, whatever links lead there.
 * @throws EINVAL that names the other; ENOENT, ENOTDIR, EACCES
 */
export async function checkFolder(folder: string, others: readonly TakenFolder[], op = 'backup'): Promise<string> {
  const path = await realpath(folder).catch((error: unknown) => {
    throw asFsError(error, op, folder);
  });
  if (!(await stat(path)).isDirectory()) throw new FsError('ENOTDIR', op, { subject: folder, reason: 'not a folder' });
  for (const { what, path: taken } of others) {
    const other = await realpath(taken).catch(() => taken);
    const relation = relate(path, other);
    if (relation)
      throw new FsError('EINVAL', op, { subject: folder, reason: `the folder ${relation} ${what}, ${taken}` });
  }
  return path;
}

function relate(path: string, other: string): string | undefined {
  if (path === other) return 'already is';
  if (isBelow(path, other)) return 'is inside';
  return isBelow(other, path) ? 'contains' : undefined;
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
