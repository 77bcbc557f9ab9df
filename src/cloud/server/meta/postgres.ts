import { PostgresDialect, type Dialect } from 'kysely';
import pg from 'pg';
import type { ColumnTypes } from './migrations.ts';

/** Kept by whoever uses the database, by an arbitrary number. */
const LOCK = 4_010_197_001;
/** How long its end is waited for, ms. */
const PATIENCE = 3000;
const LOCK_NOT_AVAILABLE = '55P03';
/** Types that are read as numbers, which are exact up to 2^53: `bigint`, and sums of it. */
const INT8 = 20;
const NUMERIC = 1700;

export const postgresTypes: ColumnTypes = { bytes: 'bytea' };

/**
 * PostgreSQL as the metadata store. As with SQLite one process has the database, by one connection, on which transactions
 * take turns: that is what the rest relies on. A connection that is lost is made again by the next call.
 * Calls throw Error while another process has the database.
 */
export function postgresDialect(url: string): Dialect {
  const types = { getTypeParser: parserOf };
  // The connection has the lock, so it is not given up for being idle.
  const pool = new pg.Pool({ connectionString: url, max: 1, idleTimeoutMillis: 0, types, verify });
  // A connection that breaks, in the pool or between two statements of who uses it: the next call finds out.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return new PostgresDialect({ pool });
}

/** Lets the pool have a new connection if no other process has the database. */
function verify(client: pg.PoolClient, done: (error?: Error) => void): void {
  takeLock(client).then(
    () => done(),
    (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
  );
}

/** The server may take a moment to see that a process has ended. */
async function takeLock(client: pg.PoolClient): Promise<void> {
  try {
    await client.query(`set lock_timeout = ${PATIENCE}`);
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query('set lock_timeout = 0');
  } catch (cause) {
    if ((cause as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw cause;
    throw new Error('another process is using the database', { cause });
  }
}

function parserOf(oid: number, format?: 'text' | 'binary'): unknown {
  return oid === INT8 || oid === NUMERIC ? Number : pg.types.getTypeParser(oid, format);
}
