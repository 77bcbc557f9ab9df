import type { Db, NodeRow, SpaceRow } from './schema.ts';

/** Nodes of a space that changed after a revision, and not after that of `space`, in the order of their revisions; `limit` at most. */
export async function changedNodes(
  db: Db,
  space: Pick<SpaceRow, 'id' | 'rev'>,
  after: number,
  limit: number,
): Promise<NodeRow[]> {
  return await db
    .selectFrom('nodes')
    .selectAll()
    .where('space', '=', space.id)
    .where('rev', '>', after)
    .where('rev', '<=', space.rev)
    .orderBy('rev')
    .limit(limit)
    .execute();
}
