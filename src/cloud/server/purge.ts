import type { MetaStore } from './meta/meta-store.ts';
import { purgeNode } from './meta/removal.ts';

const DAY = 24 * 60 * 60 * 1000;
/** How long the Trash keeps a node, ms. */
export const TRASH_KEPT = 30 * DAY;
/** How long tombstones are kept for followers, ms. A follower with an older cursor must take a snapshot. */
export const TOMBSTONES_KEPT = 60 * DAY;
/** How long the outcome of an intent is kept, in case it is sent again, ms. */
export const INTENTS_KEPT = 60 * DAY;
/** Rows in one transaction. */
const STEP = 200;

/** Purges nodes whose time in the Trash is over. Resolves to their number, not counting what was below them. */
export async function purgeTrash(meta: MetaStore, now: number, signal: AbortSignal): Promise<number> {
  let purged = 0;
  while (!signal.aborted) {
    const due = await meta.db
      .selectFrom('nodes')
      .innerJoin('spaces', 'spaces.id', 'nodes.space')
      .selectAll('nodes')
      .select('spaces.account')
      .where('nodes.purged', '=', 0)
      .where('nodes.removed', '<=', now - TRASH_KEPT)
      .orderBy('nodes.removed')
      .limit(1)
      .executeTakeFirst();
    if (due === undefined) break;
    await purgeOne(meta, due.account, due.space, due.id);
    purged += 1;
  }
  await drainPurged(meta, signal);
  return purged;
}

/** Permanently deletes one node from the Trash, if it is still there. `drainPurged` then deletes what is below it. */
export async function purgeOne(meta: MetaStore, account: string, space: string, id: string): Promise<void> {
  await meta.transaction({ account, device: null }, async (transaction) => {
    const home = await transaction.space(space);
    const node = await transaction.node(id, home);
    if (node === undefined || node.removed === null || node.purged !== 0) return;
    await purgeNode(transaction, home, node, node.removed);
  });
}

/**
 * Purges everything below purged folders, a few hundred rows at a time. Nodes that had been trashed individually stay
 * in the Trash.
 */
export async function drainPurged(meta: MetaStore, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const folder = await meta.db
      .selectFrom('nodes')
      .innerJoin('spaces', 'spaces.id', 'nodes.space')
      .select(['nodes.id', 'nodes.space', 'nodes.removed', 'spaces.account'])
      .where('nodes.purged', '=', 1)
      .where('nodes.removed', 'is not', null)
      .limit(1)
      .executeTakeFirst();
    if (folder === undefined) return;
    await purgeChildren(meta, { ...folder, removed: folder.removed ?? meta.now() });
  }
}

interface PurgedFolder {
  readonly id: string;
  readonly space: string;
  readonly removed: number;
  readonly account: string;
}

async function purgeChildren(meta: MetaStore, folder: PurgedFolder): Promise<void> {
  await meta.transaction({ account: folder.account, device: null }, async (transaction) => {
    const space = await transaction.space(folder.space);
    const children = await (
      await transaction.connection()
    )
      .selectFrom('nodes')
      .selectAll()
      .where('parent', '=', folder.id)
      .where('removed', 'is', null)
      .limit(STEP)
      .execute();
    for (const child of children) await purgeNode(transaction, space, child, folder.removed);
    if (children.length > 0) return;
    await (
      await transaction.connection()
    )
      .updateTable('nodes')
      .set({ purged: 2 })
      .where('id', '=', folder.id)
      .execute();
  });
}

/** Deletes old tombstones. Cursors from before them are expired from then on. */
export async function forgetTombstones(meta: MetaStore, now: number, signal: AbortSignal): Promise<number> {
  let forgotten = 0;
  while (!signal.aborted) {
    const step = await meta.db.transaction().execute(async (db) => {
      const rows = await db
        .selectFrom('nodes')
        .select(['id', 'space', 'rev'])
        .where('removed', '<=', now - TOMBSTONES_KEPT)
        .where('purged', '=', 2)
        .limit(STEP)
        .execute();
      for (const { id, space, rev } of rows) {
        await db.deleteFrom('nodes').where('id', '=', id).execute();
        await db.deleteFrom('places').where('node', '=', id).execute();
        await db.updateTable('spaces').set({ floor: rev }).where('id', '=', space).where('floor', '<', rev).execute();
      }
      return rows.length;
    });
    forgotten += step;
    if (step < STEP) break;
  }
  return forgotten + (await forgetDepartures(meta, now - TOMBSTONES_KEPT));
}

async function forgetDepartures(meta: MetaStore, before: number): Promise<number> {
  return await meta.db.transaction().execute(async (db) => {
    const rows = await db.deleteFrom('departures').where('created', '<=', before).returning(['space', 'rev']).execute();
    for (const { space, rev } of rows) {
      await db.updateTable('spaces').set({ floor: rev }).where('id', '=', space).where('floor', '<', rev).execute();
    }
    return rows.length;
  });
}

export async function forgetIntents(meta: MetaStore, now: number): Promise<void> {
  for (const table of ['intents', 'batches'] as const) {
    await meta.db
      .deleteFrom(table)
      .where('created', '<=', now - INTENTS_KEPT)
      .execute();
  }
}
