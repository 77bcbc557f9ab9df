import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { asFsError } from '../../vfs/fs-error.ts';

/** Subfolders that are listed at most. */
const MOST = 2000;

/** A folder of this computer, for choosing one. */
export interface ChosenFolder {
  readonly path: string;
  /** Undefined at the root. */
  readonly parent?: string;
  /** Names of the folders in it, without hidden ones. */
  readonly folders: readonly string[];
}

/** @param path absolute; the user's own folder if absent. @throws ENOENT, EACCES, ENOTDIR */
export async function readFolder(path = homedir()): Promise<ChosenFolder> {
  const folder = resolve(path);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw asFsError(error, 'readdir', folder);
  });
  const folders = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort((a, b) => a.localeCompare(b))
    .slice(0, MOST);
  const parent = dirname(folder);
  return { path: join(folder), folders, ...(parent === folder ? {} : { parent }) };
}
