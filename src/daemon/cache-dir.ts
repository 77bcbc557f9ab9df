import { join, resolve } from 'node:path';
import { Type } from 'typebox';
import { Database } from '../cache/db/database.ts';
import { isFsError } from '../vfs/fs-error.ts';
import type { Config } from './config.ts';
import type { DataDir } from './data-dir.ts';
import { makePrivateFolder } from './private-file.ts';
import { Problem } from './problem.ts';
import { readJson, writeJson } from './secrets.ts';

const UsedSchema = Type.Object({ dir: Type.String({ minLength: 1 }) });
const OwnerSchema = Type.Object({ email: Type.String() });

/**
 * The folder for the gateway's large data: cached content, files waiting for their upload, and the database about them.
 * Identity, secrets and settings stay in the data folder.
 */
export function cacheDir(config: Config, dir: DataDir): string {
  return config['cache.dir'] === '' ? dir.gateway : resolve(config['cache.dir']);
}

/**
 * Creates the folder. Makes sure that a changed setting neither leaves queued changes behind nor gives them to another
 * account.
 * @throws Problem
 */
export async function takeCacheDir(path: string, dir: DataDir, email: string): Promise<void> {
  const used = (await readJson(dir.cache, UsedSchema))?.dir ?? dir.gateway;
  if (used !== path && (await hasQueue(used))) {
    throw new Problem(
      'conflict',
      `changes in ${used} are not uploaded yet; set cache.dir to that folder and run \`fjord flush\`, or move it: mv ${used} ${path}`,
    );
  }
  await makePrivateFolder(path);
  const ownerFile = join(path, 'owner.json');
  const owner = await readJson(ownerFile, OwnerSchema);
  if (owner !== undefined && owner.email !== email) {
    throw new Problem('conflict', `${path} is the cache of ${owner.email}; name another cache.dir for ${email}`);
  }
  if (owner === undefined) await writeJson(ownerFile, { email });
  if (used !== path || path !== dir.gateway) await writeJson(dir.cache, { dir: path });
}

/** Whether the folder has acknowledged changes that the cloud does not have. */
async function hasQueue(path: string): Promise<boolean> {
  const place = join(path, 'db');
  // Opening would create a database if there is none.
  if (!(await Database.exists(place))) return false;
  try {
    const db = await Database.open(place);
    try {
      return (await (await db.rows('journal')).range({ gt: '', lt: '~', limit: 1 })).length > 0;
    } finally {
      await db.close();
    }
  } catch (error) {
    // The database is damaged or another program's, so no change of this account can be read from it.
    if (isFsError(error)) return false;
    throw error;
  }
}
