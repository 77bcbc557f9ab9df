import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MetaStore, type MetaStoreOptions } from './meta-store.ts';
import { sqliteDialect, sqliteTypes } from './sqlite.ts';

/** Says in a data folder that its metadata is in PostgreSQL. */
const ELSEWHERE = 'metadata-in-postgresql';

/**
 * The metadata of a data folder: in SQLite inside of it, or in the PostgreSQL database of an address. The folder belongs to
 * one of the two, since its blocks are those that the metadata names.
 * @throws Error if that is the other one; if another process has the metadata
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
