import type { Database } from '../cache/db/database.ts';
import { assign } from '../vfs/assign.ts';

export interface StoreOp {
  readonly type: 'put' | 'del';
  readonly key: string;
  /** Present for `put`: a JSON value. */
  readonly value?: unknown;
  /** The value as JSON, if it is at hand; then there is no `value`. */
  readonly json?: string;
}

/** Stores the index of a backup set: rows of JSON text in the order of the keys' UTF-8 bytes. */
export interface BackupStore {
  getSync(key: string): string | undefined;
  /** Reads the rows strictly between two keys, consistently as of the call. */
  range(bounds: { gt: string; lt: string; limit: number }): Promise<[key: string, value: string][]>;
  /** Writes all of the ops or none. */
  write(ops: readonly StoreOp[]): Promise<void>;
}

/** Opens the table in the gateway's database for the set with this space. */
export async function openBackupStore(database: Database, space: string): Promise<BackupStore> {
  const table = `backup-${space}`;
  const rows = await database.rows(table);
  return {
    getSync: (key) => rows.getSync(key),
    range: async (bounds) => rows.range(bounds),
    write: async (ops) =>
      database.write(
        ops.map((op) => assign(op, { table })),
        false,
      ),
  };
}
