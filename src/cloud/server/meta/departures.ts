import type { NodeRecord } from '../../records.ts';
import type { Transaction } from './transaction.ts';
import { nodeRecord } from './records.ts';
import type { Db, NodeRow, SpaceRow } from './schema.ts';

/** A node moves to another space: those who follow this one see it go, under the next revision. */
export async function depart(transaction: Transaction, from: SpaceRow, node: NodeRow, to: SpaceRow): Promise<void> {
  const rev = transaction.nextRev(from);
  const gone = { ...nodeRecord(node), removed: true, rev, ctime: transaction.now, device: transaction.caller.device };
  const row = { rev, record: JSON.stringify(gone), target: to.id, created: transaction.now };
  await (
    await transaction.connection()
  )
    .insertInto('departures')
    .values({ space: from.id, node: node.id, ...row })
    .onConflict((conflict) => conflict.columns(['space', 'node']).doUpdateSet(row))
    .execute();
}

/** Tombstones of nodes that have left a space after a revision, in the order of revisions; `spaces` are those of the reader. */
export async function departuresAfter(
  db: Db,
  space: SpaceRow,
  after: number,
  limit: number,
  spaces: ReadonlySet<string>,
): Promise<NodeRecord[]> {
  const rows = await db
    .selectFrom('departures')
    .select(['record', 'target'])
    .where('space', '=', space.id)
    .where('rev', '>', after)
    .where('rev', '<=', space.rev)
    .orderBy('rev')
    .limit(limit)
    .execute();
  return rows.map(({ record, target }) => {
    const gone = JSON.parse(record) as NodeRecord;
    return spaces.has(target) ? { ...gone, movedTo: target } : gone;
  });
}
