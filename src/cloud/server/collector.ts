import type { BlockStore } from './blocks/block-store.ts';
import type { Clock } from './clock.ts';
import type { ExpressionBuilder } from 'kysely';
import type { BlockRow, Database, Db } from './meta/schema.ts';

/** Blocks condemned or removed in one transaction. */
const STEP = 64;

export interface CollectorOptions {
  readonly db: Db;
  readonly store: BlockStore;
  readonly now: Clock;
  /** ms for which a block that no version contains is kept after somebody last asked for it. */
  readonly grace: number;
  /** Bytes of blocks that were let go of and that no upload counts on, beyond which the oldest of them go without that grace. */
  readonly spare: number;
}

/** Which blocks that no version contains may go. */
type Condition = (
  eb: ExpressionBuilder<Database, 'blocks'>,
) => ReturnType<ExpressionBuilder<Database, 'blocks'>['and']>;

/**
 * Removes blocks that no version contains. First the row is condemned, from when on no commit counts on the block; then,
 * in a transaction that still finds it condemned, the bytes go and the row after them. So a commit that counted on the
 * block has either raised its references before (and it is not condemned), or is told that it is missing. Whoever was told that
 * a block is there finds it there for the time of grace, also when very much is let go of.
 */
export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** One pass in small steps; answers how many blocks went. Stops early when aborted. */
  async run(signal: AbortSignal): Promise<number> {
    const { now, grace } = this.#options;
    const isOld: Condition = (eb) => eb.and([eb('touched', '<=', now() - grace)]);
    while (!signal.aborted && (await this.#condemn(isOld)).length === STEP);
    await this.#condemnSurplus(signal);
    return await this.#removeAll(signal);
  }

  /** As `run`, but only if much was let go of. Costs little if not, so it can be often. */
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

  /** Condemns some, those that were touched first before others, and no more than it takes for so many bytes. */
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
      // Asked again of each row that is written: an upload may have come to count on it since it was read.
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
    const { db, store } = this.#options;
    return await db.transaction().execute(async (db) => {
      // Written although nothing changes: in every database this holds the rows until the commit.
      const condemned = await db
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
