import { PostgresDialect, type Dialect } from 'kysely';
import pg from 'pg';
import type { ColumnTypes } from './migrations.ts';

/** Arbitrary number of the advisory lock that the process using the database holds. */
const LOCK = 4_010_197_001;
/** How long to wait for the lock, ms. */
const TIMEOUT = 3000;
const LOCK_NOT_AVAILABLE = '55P03';
/** Type ids that are read as numbers (exact up to 2^53): `bigint` and sums of it. */
const INT8 = 20;
const NUMERIC = 1700;

export const postgresTypes: ColumnTypes = { bytes: 'bytea' };

/**
 * PostgreSQL as the metadata store. As with SQLite, one process uses the database, through one connection on which
 * transactions run one after another; other code relies on that. A lost connection is replaced by the next call. Calls
 * throw Error while another process uses the database.
 */
export function postgresDialect(url: string): Dialect {
  const types = { getTypeParser: parserOf };
  // The connection holds the lock, so it must not be closed for being idle.
  const pool = new pg.Pool({ connectionString: url, max: 1, idleTimeoutMillis: 0, types, verify });
  // If a connection breaks, idle or between two statements, the next call will fail and report it.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return new PostgresDialect({ pool });
}

/** Accepts a new connection into the pool if no other process uses the database. */
function verify(client: pg.PoolClient, done: (error?: Error) => void): void {
  takeLock(client).then(
    () => done(),
    (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
  );
}

/** Takes the lock. Waits a little, as the server may need a moment to notice that the last process has ended. */
async function takeLock(client: pg.PoolClient): Promise<void> {
  try {
    await client.query(`set lock_timeout = ${TIMEOUT}`);
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query('set lock_timeout = 0');
  } catch (cause) {
    if ((cause as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw cause;
    throw new Error('another process is using the database; stop it, or name another database', { cause });
  }
}

function parserOf(oid: number, format?: 'text' | 'binary'): unknown {
  return oid === INT8 || oid === NUMERIC ? Number : pg.types.getTypeParser(oid, format);
}
