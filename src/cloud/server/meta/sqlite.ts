import Libsql from 'libsql';
import { LRUCache } from 'lru-cache';
import { SqliteDialect, type Dialect, type SqliteDatabase, type SqliteStatement } from 'kysely';
import type { ColumnTypes } from './migrations.ts';

/** Statements longer than this have long lists in them and seldom come twice; those of `Inserter` are shorter. */
const CACHED_SQL = 12_000;
/** Pages of the write-ahead log after which it is copied into the file, 32 MiB: a page that changes often is then copied less often. */
const CHECKPOINT = 8192;

export const sqliteTypes: ColumnTypes = { bytes: 'blob' };

/**
 * SQLite as the metadata store. The file stays locked for this process while it is open. A committed transaction
 * survives a power loss.
 * @throws Error if another process has the file
 */
export function sqliteDialect(file: string): Dialect {
  const connection = open(file);
  return new SqliteDialect({ database: withStatementCache(connection) });
}

function open(file: string): Libsql.Database {
  const connection = new Libsql(file);
  try {
    connection.exec('pragma locking_mode = exclusive');
    connection.exec('pragma journal_mode = wal');
    connection.exec('pragma synchronous = full');
    connection.exec(`pragma wal_autocheckpoint = ${CHECKPOINT}`);
    connection.exec('pragma cache_size = -65536');
    connection.exec('pragma busy_timeout = 0');
    // In exclusive mode the lock is taken by the first write and then kept.
    connection.exec('begin immediate; commit');
    return connection;
  } catch (cause) {
    connection.close();
    if ((cause as { code?: string }).code !== 'SQLITE_BUSY') throw cause;
    throw new Error(`another process is using ${file}`, { cause });
  }
}

// A closed connection keeps its lock until its statements are garbage-collected, so the lock is released explicitly.
function release(connection: Libsql.Database): void {
  connection.exec('pragma journal_mode = delete');
  connection.exec('pragma locking_mode = normal');
  connection.exec('select count(*) from sqlite_master');
  connection.close();
}

// Preparing a small statement costs four times as much as running it.
function withStatementCache(connection: Libsql.Database): SqliteDatabase {
  const prepare = (sql: string): SqliteStatement => connection.prepare(sql);
  const cache = new LRUCache<string, SqliteStatement>({ max: 500 });
  return {
    close: () => {
      cache.clear();
      release(connection);
    },
    prepare: (sql) => {
      if (sql.length > CACHED_SQL) return prepare(sql);
      const known = cache.get(sql) ?? prepare(sql);
      cache.set(sql, known);
      return known;
    },
  };
}
