import { sql } from 'kysely';
import type { Transaction } from './transaction.ts';
import type { Db, NodeRow, SpaceRow } from './schema.ts';
import { dropVersions, versionsOf } from './versions.ts';

/** Moves a node with everything below it to the Trash, by changing one row. */
export async function trashNode(transaction: Transaction, space: SpaceRow, node: NodeRow): Promise<NodeRow> {
  return await transaction.update(space, node, { removed: transaction.now });
}

/**
 * Removes a node that was replaced by another. It becomes a tombstone that is not in the Trash; its versions must
 * already have a new owner.
 */
export async function replaceNode(transaction: Transaction, space: SpaceRow, node: NodeRow): Promise<void> {
  if (node.kind === 'file') transaction.count(space, -node.size, -1);
  await transaction.update(space, node, { removed: transaction.now, purged: 2, size: 0, version: null, hash: null });
}

/**
 * Permanently deletes a node from the Trash. Its row stays as a tombstone with its revision. The children of a folder
 * are deleted later, by `drainPurged`.
 */
export async function purgeNode(
  transaction: Transaction,
  space: SpaceRow,
  node: NodeRow,
  removed: number,
): Promise<void> {
  if (node.kind === 'file') {
    const versions = await versionsOf(await transaction.connection(), node.id);
    await dropVersions(
      transaction,
      space,
      versions.map(({ id }) => id),
    );
    transaction.count(space, -node.size, -1);
  }
  await (
    await transaction.connection()
  )
    .updateTable('nodes')
    .set({
      removed,
      purged: node.kind === 'folder' ? 1 : 2,
      size: 0,
      version: null,
      hash: null,
      xattrs: null,
      posix: null,
    })
    .where('id', '=', node.id)
    .execute();
  transaction.forget();
}

/** True if the folder has a live child. */
export async function hasChildren(db: Db, folder: string): Promise<boolean> {
  const child = await db
    .selectFrom('nodes')
    .select('id')
    .where('parent', '=', folder)
    .where('removed', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return child !== undefined;
}

/**
 * True if a device other than `device` changed something below the folder after the revision `seen`, also if `device` has
 * changed the same node since: moving it says nothing about its content.
 */
export async function changedBelow(db: Db, folder: NodeRow, seen: number, device: string | null): Promise<boolean> {
  const byOthers = sql<boolean>`(device is null or device != ${device ?? ''} or others > ${seen})`;
  // Nearly always nothing in the whole space is newer, which one look-up in an index finds without a walk.
  const newer = await db
    .selectFrom('nodes')
    .select('id')
    .where('space', '=', folder.space)
    .where('rev', '>', seen)
    .where(byOthers)
    .limit(1)
    .executeTakeFirst();
  if (newer === undefined) return false;
  const found = await below(db, [folder.id])
    .selectFrom('below')
    .select('id')
    .where('depth', '>', 0)
    .where('rev', '>', seen)
    .where(byOthers)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/**
 * A query over `below`: the nodes `tops` and everything below them that is not itself removed, with all columns that
 * callers need. (A later join with `nodes` could make SQLite read the whole table.)
 */
export function below(db: Db, tops: readonly string[]) {
  return db.withRecursive('below(id, depth, kind, size, rev, device, others)', (query) =>
    query
      .selectFrom('nodes as start')
      .select((eb) => ['start.id as id', eb.lit(0).as('depth')])
      .select(['start.kind as kind', 'start.size as size', 'start.rev as rev', 'start.device as device'])
      .select('start.others as others')
      .where('start.id', 'in', tops)
      .unionAll(
        query
          .selectFrom('nodes as child')
          .innerJoin('below as above', 'above.id', 'child.parent')
          .select((eb) => ['child.id as id', eb('above.depth', '+', 1).as('depth')])
          .select(['child.kind as kind', 'child.size as size', 'child.rev as rev', 'child.device as device'])
          .select('child.others as others')
          .where('child.removed', 'is', null),
      ),
  );
}
