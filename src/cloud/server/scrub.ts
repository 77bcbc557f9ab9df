import type { BlockStore } from './blocks/block-store.ts';
import { markDamaged, stateOf, unmarkDamaged } from './meta/damaged-blocks.ts';
import { manifestOf } from './meta/manifest.ts';
import type { BlockRow, Db } from './meta/schema.ts';
import { pathOf } from './meta/trash.ts';
import { asBytes } from './meta/versions.ts';

/** Rows read by one query. */
const PAGE = 200;
/** Damaged blocks of an account that are collected before their files are looked up. */
const GATHERED = 10_000;
export interface ScrubOptions {
  readonly db: Db;
  readonly store: BlockStore;
  /**
   * Whether findings are recorded. Lost and damaged blocks then count as missing and are healed by their next upload;
   * blocks that were recorded as damaged but are intact count as stored again.
   */
  readonly repair: boolean;
  readonly signal: AbortSignal;
}

/** A version that cannot be read completely. */
export interface DamagedFile {
  readonly account: string;
  /** Kind and name of the space. */
  readonly space: string;
  readonly path: string;
  readonly version: string;
  /** How many of its blocks are lost or damaged. */
  readonly blocks: number;
}

export type ScrubReport = { readonly file: DamagedFile } | { readonly checked: number; readonly damaged: number };

/**
 * Reads and verifies all blocks that versions contain or may still come to contain, and yields the affected versions.
 * Counts are reported periodically and at the end. Memory use is one manifest and a bounded number of digests. Blocks
 * that are uploaded or removed during the scrub may be skipped.
 */
export async function* scrub(options: ScrubOptions): AsyncGenerator<ScrubReport> {
  const accounts = await options.db.selectFrom('accounts').select(['id', 'email']).orderBy('email').execute();
  let [checked, damaged] = [0, 0];
  for (const { id, email } of accounts) {
    let bad = new Set<string>();
    for await (const page of pages(options.db, id)) {
      for (const block of page) {
        options.signal.throwIfAborted();
        if (!(await isIntact(options, block))) bad.add(block.digest);
        checked += 1;
      }
      yield { checked, damaged: damaged + bad.size };
      if (bad.size < GATHERED) continue;
      yield* filesOf(options, email, id, bad);
      damaged += bad.size;
      bad = new Set();
    }
    yield* filesOf(options, email, id, bad);
    damaged += bad.size;
  }
  yield { checked, damaged };
}

async function* pages(db: Db, account: string): AsyncGenerator<BlockRow[]> {
  for (let after = ''; ;) {
    const rows = await db
      .selectFrom('blocks')
      .selectAll()
      .where('account', '=', account)
      .where('digest', '>', after)
      .orderBy('digest')
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.filter(({ state }) => state === 'stored' || state === 'damaged');
    after = last.digest;
  }
}

async function isIntact({ db, store, repair }: ScrubOptions, block: BlockRow): Promise<boolean> {
  const { account, digest, generation, state } = block;
  const intact = (await store.get(account, digest)) !== undefined;
  const now = intact ? block : await stateOf(db, account, digest);
  // It was removed or uploaded again in the meantime.
  if (now?.generation !== generation || now.state === 'condemned') return true;
  if (repair && !intact) await markDamaged(db, account, digest, generation);
  if (repair && intact && state === 'damaged') await unmarkDamaged(db, account, digest, generation);
  return intact;
}

async function* filesOf(
  options: ScrubOptions,
  email: string,
  account: string,
  bad: ReadonlySet<string>,
): AsyncGenerator<ScrubReport> {
  for await (const file of damagedFiles(options, email, account, bad)) yield { file };
}

/** The versions of an account, which is called `email`, that contain some of these blocks. */
export async function* damagedFiles(
  { db, signal }: Pick<ScrubOptions, 'db' | 'signal'>,
  email: string,
  account: string,
  bad: ReadonlySet<string>,
): AsyncGenerator<DamagedFile> {
  for (let after = ''; bad.size > 0;) {
    const versions = await db
      .selectFrom('versions')
      .innerJoin('nodes', 'nodes.id', 'versions.node')
      .innerJoin('spaces', 'spaces.id', 'nodes.space')
      .select(['versions.id', 'versions.node', 'versions.size', 'spaces.kind', 'spaces.name'])
      .where('spaces.account', '=', account)
      .where('versions.id', '>', after)
      .orderBy('versions.id')
      .limit(PAGE)
      .execute();
    for (const { id, node, size, kind, name } of versions) {
      signal.throwIfAborted();
      const blocks = await countIn(db, id, size, bad);
      if (blocks === 0) continue;
      const space = kind === name ? kind : `${kind} ${name}`;
      yield { account: email, space, path: await pathOf(db, node), version: id, blocks };
    }
    const last = versions.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

/** How many different blocks of the version are among these. */
async function countIn(db: Db, version: string, size: number, bad: ReadonlySet<string>): Promise<number> {
  const row = await db.selectFrom('versions').select('manifest').where('id', '=', version).executeTakeFirst();
  if (row === undefined) return 0;
  const digests = manifestOf(asBytes(row.manifest), size).distinct();
  return digests.filter((digest) => bad.has(digest)).length;
}
