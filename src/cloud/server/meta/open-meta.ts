import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MetaStore, type MetaStoreOptions } from './meta-store.ts';
import { sqliteDialect, sqliteTypes } from './sqlite.ts';

/** File in a data folder that marks its metadata as being in PostgreSQL. */
const ELSEWHERE = 'metadata-in-postgresql';

/**
 * Opens the metadata of a data folder: SQLite inside the folder, or the PostgreSQL database at an address. A folder
 * stays with one of the two, as the metadata refers to its blocks.
 * @throws Error if the folder belongs to the other one, or another process uses the metadata
 */
export async function openMeta(
  data: string,
  database: string | undefined,
  options: Pick<MetaStoreOptions, 'now' | 'moved' | 'relisted'>,
): Promise<MetaStore> {
  const file = join(data, 'meta.db');
  const sign = join(data, ELSEWHERE);
  if (database === undefined) {
    if (existsSync(sign)) throw new Error(`the metadata of ${data} is in PostgreSQL: name it with --database`);
    return await MetaStore.open({ dialect: sqliteDialect(file), types: sqliteTypes, ...options });
  }
  if (existsSync(file)) throw new Error(`${data} has its metadata in ${file}; use another folder, or no --database`);
  const { postgresDialect, postgresTypes } = await import('./postgres.ts');
  const meta = await MetaStore.open({ dialect: postgresDialect(database), types: postgresTypes, ...options });
  await writeFile(sign, '');
  return meta;
}
