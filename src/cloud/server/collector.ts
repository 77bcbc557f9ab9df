import type { BlockStore } from './blocks/block-store.ts';
import type { Arrivals } from './blocks/arrivals.ts';
import type { Clock } from './clock.ts';
import type { ExpressionBuilder } from 'kysely';
import type { BlockRow, Database, Db } from './meta/schema.ts';

/** Blocks condemned or removed in one transaction. */
const STEP = 64;

export interface CollectorOptions {
  readonly db: Db;
  readonly store: BlockStore;
  readonly now: Clock;
  /** How long a block that no version contains is kept after the last request about it, ms. */
  readonly grace: number;
  /**
   * Limit in bytes of unreferenced blocks that no upload counts on. Beyond it, the oldest are removed before their
   * grace period ends.
   */
  readonly spare: number;
  readonly arrivals: Arrivals;
}

/** Selects which unreferenced blocks may be removed. */
type Condition = (
  eb: ExpressionBuilder<Database, 'blocks'>,
) => ReturnType<ExpressionBuilder<Database, 'blocks'>['and']>;

/**
 * Removes blocks that no version contains. First the row is condemned; from then on no commit can count on the block.
 * Then, in a transaction that still finds the row condemned, the bytes are removed, and the row after them. So a commit
 * that counts on the block has either added its reference before (and the row is not condemned), or is told that the
 * block is missing. Blocks that are arriving with new files are left alone: those give them their rows anew. A client that was told that a block is stored can rely on it for the grace period, however much is
 * being removed.
 */
export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Makes one pass in small steps and resolves to the number of removed blocks. Stops early when aborted. */
  async run(signal: AbortSignal): Promise<number> {
    const { now, grace } = this.#options;
    const isOld: Condition = (eb) => eb.and([eb('touched', '<=', now() - grace)]);
    while (!signal.aborted && (await this.#condemn(isOld)).length === STEP);
    await this.#condemnSurplus(signal);
    return await this.#removeAll(signal);
  }

  /** Like `run`, but only if unreferenced blocks exceed `spare`. It is cheap otherwise, so it can run often. */
  async relieve(signal: AbortSignal): Promise<number> {
    return (await this.#condemnSurplus(signal)) ? await this.#removeAll(signal) : 0;
  }

  /** True if something was condemned. */
  async #condemnSurplus(signal: AbortSignal): Promise<boolean> {
    const { db, spare } = this.#options;
    const isFree: Condition = (eb) => eb.and([eb('awaited', 'is', null)]);
    const { bytes } = await idle(db, isFree)
      .select((eb) => eb.fn.coalesce(eb.fn.sum<number>('size'), eb.lit(0)).as('bytes'))
      .executeTakeFirstOrThrow();
    let surplus = bytes - spare;
    const begun = surplus > 0;
    while (surplus > 0 && !signal.aborted) {
      const condemned = await this.#condemn(isFree, surplus);
      if (condemned.length === 0) break;
      for (const { size } of condemned) surplus -= size;
    }
    return begun;
  }

  /** Condemns some blocks, least recently touched first, and not more than needed to reach `bytes`. */
  async #condemn(condition: Condition, bytes = Infinity): Promise<{ readonly size: number }[]> {
    return await this.#options.db.transaction().execute(async (db) => {
      const found = await idle(db, condition)
        .select(['account', 'digest', 'size'])
        .orderBy('touched')
        .limit(STEP)
        .execute();
      let before = 0;
      const chosen = found.filter(({ size }) => (before += size) - size < bytes);
      if (chosen.length === 0) return [];
      // The condition is repeated in the update: an upload may have started to count on a row after it was read.
      return await db
        .updateTable('blocks')
        .set({ state: 'condemned' })
        .where('refs', '=', 0)
        .where('state', 'in', ['stored', 'damaged'])
        .where(condition)
        .where((eb) => isOneOf(eb, chosen))
        .returning('size')
        .execute();
    });
  }

  async #removeAll(signal: AbortSignal): Promise<number> {
    let removed = 0;
    while (!signal.aborted) {
      const step = await this.#remove();
      removed += step;
      if (step < STEP) break;
    }
    return removed;
  }

  async #remove(): Promise<number> {
    const { db, store, arrivals } = this.#options;
    return await db.transaction().execute(async (db) => {
      // The update changes nothing, but in every database it locks the rows until the commit.
      const found = await db
        .updateTable('blocks')
        .set({ state: 'condemned' })
        .where((eb) =>
          eb(
            eb.refTuple('account', 'digest'),
            'in',
            eb
              .selectFrom('blocks')
              .select(['account', 'digest'])
              .where('state', '=', 'condemned')
              .where('refs', '=', eb.lit(0))
              .limit(STEP)
              .$asTuple('account', 'digest'),
          ),
        )
        .where('state', '=', 'condemned')
        .returning(['account', 'digest'])
        .execute();
      const condemned = arrivals.without(found);
      if (condemned.length === 0) return 0;
      await Promise.all(condemned.map(async ({ account, digest }) => store.remove(account, digest)));
      await db
        .deleteFrom('blocks')
        .where((eb) => isOneOf(eb, condemned))
        .execute();
      return condemned.length;
    });
  }
}

/** A query over blocks that no version contains. */
function idle(db: Db, condition: Condition) {
  return db
    .selectFrom('blocks')
    .where((eb) => eb('refs', '=', eb.lit(0)))
    .where('state', 'in', ['stored', 'damaged'])
    .where(condition);
}

/** Not by pairs, which SQLite takes from a query alone. */
function isOneOf(eb: ExpressionBuilder<Database, 'blocks'>, rows: readonly Pick<BlockRow, 'account' | 'digest'>[]) {
  const accounts = new Set(rows.map(({ account }) => account));
  return eb.or(
    [...accounts].map((account) => {
      const digests = rows.filter((row) => row.account === account).map(({ digest }) => digest);
      return eb.and([eb('account', '=', account), eb('digest', 'in', digests)]);
    }),
  );
}
