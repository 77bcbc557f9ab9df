import { randomUUID } from 'node:crypto';
import type { ExpressionBuilder } from 'kysely';
import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES } from '../../limits.ts';
import type { Clock } from '../clock.ts';
import { awaitedBy } from '../meta/block-table.ts';
import type { Caller } from '../meta/caller.ts';
import { inChunks } from '../meta/chunks.ts';
import { Inserter } from '../meta/inserter.ts';
import { MANY, type BlockState, type Database, type Db } from '../meta/schema.ts';
import { Refusal } from '../refusal.ts';
import type { BlockReader } from './block-reader.ts';
import type { Block, BlockStore } from './block-store.ts';

/** Blocks written together: those of one request, since each group costs three waits for the disk. */
const GROUP_BYTES = MAX_BATCH_BYTES;
const GROUP_BLOCKS = MAX_BATCH_BLOCKS;

export interface UploadsOptions {
  readonly db: Db;
  readonly store: BlockStore;
  readonly reader: BlockReader;
  readonly now: Clock;
}

/**
 * Stores uploaded blocks. A block counts as present once its row is `stored`. The row becomes `stored` only if its
 * generation did not change while the bytes were written: once the collector has condemned a row, only a new generation
 * revives it. Safe to call concurrently, also for the same block.
 */
export class Uploads {
  readonly #options: UploadsOptions;
  /** Leaves the blocks alone that have a row. */
  readonly #inserter = new Inserter('blocks', (insert) =>
    insert.onConflict((conflict) => conflict.columns(['account', 'digest']).doNothing()),
  );

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /**
   * Stores all blocks of the stream and resolves to their number. @throws digest_mismatch, quota_exceeded, what the
   * stream throws
   */
  async accept(caller: Caller, blocks: AsyncIterable<Block>): Promise<number> {
    let group: Block[] = [];
    let bytes = 0;
    let count = 0;
    for await (const block of blocks) {
      group.push(block);
      bytes += block.data.length;
      count += 1;
      if (bytes < GROUP_BYTES && group.length < GROUP_BLOCKS) continue;
      await this.#store(caller, group);
      group = [];
      bytes = 0;
    }
    if (group.length > 0) await this.#store(caller, group);
    return count;
  }

  async #store(caller: Caller, blocks: readonly Block[]): Promise<void> {
    const { account } = caller;
    let left = [...new Map(blocks.map((block) => [block.digest, block])).values()];
    while (left.length > 0) {
      const claims = await this.#claim(caller, left);
      const absent = left.filter(({ digest }) => claims.has(digest));
      try {
        await this.#options.store.put(account, absent);
      } catch (error) {
        await this.#abandon(account, claims);
        throw error;
      }
      const lost = await this.#finish(account, claims);
      for (const digest of await this.#damaged(account, left, claims)) lost.add(digest);
      left = left.filter(({ digest }) => lost.has(digest));
    }
  }

  /** Those blocks that are recorded as stored but turn out to be damaged, so that this upload heals them. */
  async #damaged(account: string, blocks: readonly Block[], claims: ReadonlyMap<string, string>): Promise<string[]> {
    const { reader } = this.#options;
    const damaged: string[] = [];
    for (const { digest } of blocks) {
      if (!claims.has(digest) && !(await reader.isIntact(account, digest))) damaged.push(digest);
    }
    return damaged;
  }

  /** Marks the blocks that are not stored as being written; returns the generation of each of those. */
  async #claim(caller: Caller, blocks: readonly Block[]): Promise<Map<string, string>> {
    return await this.#options.db.transaction().execute(async (db) => {
      await checkRoom(db, caller.account, blocks);
      const id = randomUUID();
      const claims = new Map<string, string>(blocks.map(({ digest }) => [digest, id]));
      if ((await this.#insert(db, caller, blocks, claims)) === blocks.length) return claims;
      const mine = new Set(await this.#claimed(db, caller.account, claims));
      const known = [...claims.keys()].filter((digest) => !mine.has(digest));
      for (const digest of known) claims.delete(digest);
      for (const claim of await this.#reclaim(db, caller, known, id)) claims.set(...claim);
      return claims;
    });
  }

  /** Returns how many had no row. */
  async #insert(
    db: Db,
    { account, device }: Caller,
    blocks: readonly Block[],
    claims: ReadonlyMap<string, string>,
  ): Promise<number> {
    const row = { account, refs: 0, state: 'writing', touched: this.#options.now(), awaited: device ?? MANY } as const;
    // Rows that are next to each other in the key of the table are inserted faster.
    const ordered = blocks.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
    return await this.#inserter.insert(
      db,
      ordered.map(({ digest, data }) => ({
        digest,
        size: data.length,
        generation: claims.get(digest) as string,
        ...row,
      })),
    );
  }

  /** Of blocks that have a row those that are not stored. */
  async #reclaim(
    db: Db,
    { account, device }: Caller,
    digests: readonly string[],
    id: string,
  ): Promise<[string, string][]> {
    const mine = db.updateTable('blocks').where('account', '=', account).where('digest', 'in', digests);
    const touched = this.#options.now();
    await mine.set((eb) => ({ touched, awaited: awaitedBy(eb, device) })).execute();
    await mine.set({ state: 'writing', generation: id }).where('state', 'in', ['condemned', 'damaged']).execute();
    const claimed = await db
      .selectFrom('blocks')
      .select(['digest', 'generation'])
      .where('account', '=', account)
      .where('digest', 'in', digests)
      .where('state', '=', 'writing')
      .execute();
    return claimed.map(({ digest, generation }) => [digest, generation]);
  }

  /** Says that the claimed blocks are stored; returns those whose row was collected meanwhile. */
  async #finish(account: string, claims: ReadonlyMap<string, string>): Promise<Set<string>> {
    const lost = new Set(claims.keys());
    if (lost.size === 0) return lost;
    const { db } = this.#options;
    const { numUpdatedRows } = await db
      .updateTable('blocks')
      .set({ state: 'stored' })
      .where((eb) => isClaimed(eb, account, claims))
      .where('state', '=', 'writing')
      .executeTakeFirst();
    if (Number(numUpdatedRows) === claims.size) return new Set();
    // Another upload of the same bytes, under the same claim, may have said so.
    for (const digest of await this.#claimed(db, account, claims, 'stored')) lost.delete(digest);
    return lost;
  }

  /** Those whose row is still under its claim. */
  async #claimed(
    db: Db,
    account: string,
    claims: ReadonlyMap<string, string>,
    state: BlockState = 'writing',
  ): Promise<string[]> {
    const rows = await db
      .selectFrom('blocks')
      .select('digest')
      .where((eb) => isClaimed(eb, account, claims))
      .where('state', '=', state)
      .execute();
    return rows.map(({ digest }) => digest);
  }

  /** After a failure: what was written under the claims, if anything, is the collector's. */
  async #abandon(account: string, claims: ReadonlyMap<string, string>): Promise<void> {
    for (const chunk of inChunks([...claims])) {
      await this.#options.db
        .updateTable('blocks')
        .set(givenUp)
        .where((eb) => isClaimed(eb, account, new Map(chunk)))
        .where('state', '=', 'writing')
        .execute();
    }
  }
}

/** Rows that are still under these claims, nearly all of which have one generation. */
function isClaimed(eb: ExpressionBuilder<Database, 'blocks'>, account: string, claims: ReadonlyMap<string, string>) {
  const generations = new Set(claims.values());
  return eb.or(
    [...generations].map((generation) => {
      const digests = [...claims].filter(([, one]) => one === generation).map(([digest]) => digest);
      return eb.and([eb('account', '=', account), eb('digest', 'in', digests), eb('generation', '=', generation)]);
    }),
  );
}

async function checkRoom(db: Db, account: string, blocks: readonly Block[]): Promise<void> {
  const bytes = sizeOf(blocks);
  const { quota, used } = await db
    .selectFrom('accounts')
    .select(['quota', 'used'])
    .where('id', '=', account)
    .executeTakeFirstOrThrow();
  if (used + bytes <= quota) return;
  // Blocks that versions contain are already counted, so a damaged block can be healed even if the quota is used up.
  const counted = await db
    .selectFrom('blocks')
    .select('digest')
    .where('account', '=', account)
    .where('refs', '>', 0)
    .where(
      'digest',
      'in',
      blocks.map(({ digest }) => digest),
    )
    .execute();
  const known = new Set(counted.map(({ digest }) => digest));
  const more = sizeOf(blocks.filter(({ digest }) => !known.has(digest)));
  if (more > 0 && used + more > quota) throw new Refusal('quota_exceeded', "the account's quota is used up");
}

function sizeOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { data }) => sum + data.length, 0);
}

/** At start, leaves the unfinished uploads of the last process to the collector. */
export async function abandonUploads(db: Db): Promise<void> {
  await db.updateTable('blocks').set(givenUp).where('state', '=', 'writing').execute();
}

/**
 * The new state after an abandoned upload: `damaged` if versions contain the block, as it was not healed; else
 * `condemned`.
 */
function givenUp(eb: ExpressionBuilder<Database, 'blocks'>) {
  const state = eb
    .case()
    .when('refs', '>', 0)
    .then('damaged' as const)
    .else('condemned' as const)
    .end();
  return { state };
}
