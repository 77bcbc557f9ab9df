import { sql } from 'kysely';
import { inChunks } from './chunks.ts';
import type { Transaction } from './transaction.ts';
import type { Db, NodeRow, SpaceRow } from './schema.ts';

export interface Relabelling {
  readonly from: SpaceRow;
  /** The folder, or root, whose content goes. */
  readonly top: string;
  readonly to: SpaceRow;
  /** What its direct children hang on from then on. */
  readonly parent: string;
}

/**
 * Everything below a folder belongs to another space of the same account from then on, what is in the Trash and tombstones
 * included: rows alone change. Their followers learn of it from the other space, under new revisions.
 */
export async function relabel(transaction: Transaction, { from, top, to, parent }: Relabelling): Promise<void> {
  const rows = await subtree(await transaction.connection(), top, { removed: true });
  await carry(transaction, rows, from, to);
  await (await transaction.connection()).updateTable('nodes').set({ parent }).where('parent', '=', top).execute();
  transaction.forget();
}

type Carried = Pick<NodeRow, 'id' | 'kind' | 'size' | 'purged'>;

/** Rows belong to another space from then on, under its next revisions. */
export async function carry(
  transaction: Transaction,
  rows: readonly Carried[],
  from: SpaceRow,
  to: SpaceRow,
): Promise<void> {
  const db = await transaction.connection();
  let bytes = 0;
  let files = 0;
  for (const { id, kind, size, purged } of rows) {
    const rev = transaction.nextRev(to);
    // What other devices have changed was not seen in this space yet.
    const others = sql<number>`case when others = 0 then 0 else ${sql.lit(rev)} end`;
    await db.updateTable('nodes').set({ space: to.id, rev, others }).where('id', '=', id).execute();
    if (kind !== 'file' || purged !== 0) continue;
    bytes += size;
    files += 1;
  }
  for (const chunk of inChunks(rows)) {
    const ids = chunk.map(({ id }) => id);
    // Ranks are revisions: the next version must have a higher one than all that came along.
    await db
      .updateTable('versions')
      .set((eb) => ({ rank: eb('rank', '-', from.rev) }))
      .where('node', 'in', ids)
      .execute();
    // What has left the space before is back.
    await db.deleteFrom('departures').where('space', '=', to.id).where('node', 'in', ids).execute();
  }
  transaction.count(from, -bytes, -files);
  transaction.count(to, bytes, files);
  transaction.forget();
}

/** What is below a folder, each before what is in it: what lives, or all. */
export async function subtree(db: Db, top: string, { removed }: { readonly removed: boolean }): Promise<Carried[]> {
  const found: Carried[] = [];
  let level = [top];
  while (level.length > 0) {
    const next: Carried[] = [];
    for (const chunk of inChunks(level)) {
      let query = db.selectFrom('nodes').select(['id', 'kind', 'size', 'purged']).where('parent', 'in', chunk);
      if (!removed) query = query.where('removed', 'is', null);
      for (const node of await query.orderBy('id').execute()) next.push(node);
    }
    for (const node of next) found.push(node);
    level = next.filter(({ kind }) => kind === 'folder').map(({ id }) => id);
  }
  return found;
}
