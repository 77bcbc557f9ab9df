import Libsql from 'libsql';
import { SqliteDialect, type Dialect, type SqliteStatement } from 'kysely';

/** Tables of Kysely's migrator. */
const KEPT = 'kysely_%';

/**
 * SQLite in memory as the metadata store of one world after another. Creating the tables takes longer than emptying them,
 * and statements stay prepared.
 */
export class SimulatedMetadata {
  readonly #connection = new Libsql(':memory:');
  readonly #statements = new Map<string, SqliteStatement>();
  #worlds = 0;

  /** The empty store of the next world. Those of earlier worlds cannot be used any more. */
  next(): Dialect {
    this.#empty();
    const world = ++this.#worlds;
    const prepare = (sql: string): SqliteStatement => {
      if (world !== this.#worlds) throw new Error('the world of this store has ended');
      return this.#prepare(sql);
    };
    return new SqliteDialect({ database: { close: () => undefined, prepare } });
  }

  #prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql) ?? this.#connection.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  #empty(): void {
    const connection = this.#connection;
    if (connection.inTransaction) connection.exec('rollback');
    const tables = connection
      .prepare("select name from sqlite_master where type = 'table' and name not like ? and name not like 'sqlite_%'")
      .all(KEPT) as { name: string }[];
    const deletions = tables.map(({ name }) => `delete from "${name}";`).join('\n');
    connection.exec(`begin; pragma defer_foreign_keys = on; ${deletions} commit`);
  }
}
