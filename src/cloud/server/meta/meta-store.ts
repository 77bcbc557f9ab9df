import { Kysely, type Dialect } from 'kysely';
import type { Clock } from '../clock.ts';
import { migrate, type ColumnTypes } from './migrations.ts';
import type { Caller } from './caller.ts';
import { Transaction } from './transaction.ts';
import { Inserter } from './inserter.ts';
import type { Inserters } from './pending.ts';
import type { Database, Db } from './schema.ts';

export interface MetaStoreOptions {
  readonly dialect: Dialect;
  readonly types: ColumnTypes;
  readonly now: Clock;
  /** Called after each commit for every space that took a new revision. */
  readonly moved: (account: string, space: string, rev: number) => void;
  /** Called after each commit for every account of which the list of spaces has changed. */
  readonly relisted?: (account: string) => void;
}

/** The metadata: accounts, devices, spaces, nodes, versions, and references to blocks. Safe to call concurrently. */
export class MetaStore {
  readonly db: Db;
  readonly now: Clock;
  readonly #moved: MetaStoreOptions['moved'];
  readonly #relisted: MetaStoreOptions['relisted'];
  readonly #inserters: Inserters = {
    nodes: new Inserter('nodes'),
    versions: new Inserter('versions'),
    intents: new Inserter('intents'),
  };

  private constructor(db: Db, options: MetaStoreOptions) {
    this.db = db;
    this.now = options.now;
    this.#moved = options.moved;
    this.#relisted = options.relisted;
  }

  /** @throws if the data is in use by another process or written by a newer program */
  static async open(options: MetaStoreOptions): Promise<MetaStore> {
    const db = new Kysely<Database>({ dialect: options.dialect });
    try {
      await migrate(db, options.types);
      return new MetaStore(db, options);
    } catch (error) {
      await db.destroy();
      throw error;
    }
  }

  /**
   * Runs `work` in a transaction. `work` must use only the transaction's connection and wait for nothing but the database. If
   * it throws, everything is rolled back. Followers are notified after the commit.
   */
  async transaction<T>(caller: Caller, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const [result, moved, relisted] = await this.db.transaction().execute(async (db) => {
      const transaction = new Transaction(db, caller, this.now(), this.#inserters);
      const result = await work(transaction);
      return [result, await transaction.flush(), transaction.relisted] as const;
    });
    for (const { account, id, rev } of moved) this.#moved(account, id, rev);
    for (const account of relisted) this.#relisted?.(account);
    return result;
  }

  async close(): Promise<void> {
    await this.db.destroy();
  }
}
