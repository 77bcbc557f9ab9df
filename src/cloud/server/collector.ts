import type { BlockStore } from './blocks/block-store.ts';
import type { Clock } from './clock.ts';
import type { Db } from './meta/schema.ts';

/** Blocks condemned or removed in one transaction. */
const STEP = 64;

export interface CollectorOptions {
  readonly db: Db;
  readonly store: BlockStore;
  readonly now: Clock;
  /** ms for which a block that no version contains is kept after somebody last asked for it. */
  readonly grace: number;
}

/**
 * Removes blocks that no version contains. First the row is condemned, from when on no commit counts on the block; then,
 * in a transaction that still finds it condemned, the bytes go and the row after them. So a commit that counted on the
 * block has either raised its references before (and it is not condemned), or is told that it is missing.
 */
export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** One pass in small steps; answers how many blocks went. Stops early when aborted. */
  async run(signal: AbortSignal): Promise<number> {
    let removed = 0;
    while (!signal.aborted && (await this.#condemn()) === STEP);
    while (!signal.aborted) {
      const step = await this.#remove();
      removed += step;
      if (step < STEP) break;
    }
    return removed;
  }

  async #condemn(): Promise<number> {
    const { db, now, grace } = this.#options;
    return await db.transaction().execute(async (db) => {
      const idle = await db
        .selectFrom('blocks')
        .select('generation')
        .where((eb) => eb('refs', '=', eb.lit(0)))
        .where('state', 'in', ['stored', 'damaged'])
        .where('touched', '<=', now() - grace)
        .limit(STEP)
        .execute();
      if (idle.length === 0) return 0;
      await db
        .updateTable('blocks')
        .set({ state: 'condemned' })
        .where('refs', '=', 0)
        .where('state', 'in', ['stored', 'damaged'])
        .where('generation', 'in', list(idle))
        .execute();
      return idle.length;
    });
  }

  async #remove(): Promise<number> {
    const { db, store } = this.#options;
    return await db.transaction().execute(async (db) => {
      // Written although nothing changes: in every database this holds the rows until the commit.
      const condemned = await db
        .updateTable('blocks')
        .set({ state: 'condemned' })
        .where('generation', 'in', (query) =>
          query
            .selectFrom('blocks')
            .select('generation')
            .where('state', '=', 'condemned')
            .where((eb) => eb('refs', '=', eb.lit(0)))
            .limit(STEP),
        )
        .where('state', '=', 'condemned')
        .returning(['account', 'digest', 'generation'])
        .execute();
      if (condemned.length === 0) return 0;
      await Promise.all(condemned.map(async ({ account, digest }) => store.remove(account, digest)));
      await db.deleteFrom('blocks').where('generation', 'in', list(condemned)).execute();
      return condemned.length;
    });
  }
}

function list(rows: readonly { generation: string }[]): string[] {
  return rows.map(({ generation }) => generation);
}
