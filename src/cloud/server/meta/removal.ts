import type { Edit } from './edit.ts';
import type { Db, NodeRow, SpaceRow } from './schema.ts';
import { dropVersions, versionsOf } from './versions.ts';

/** To the Trash, with all below it: one row. */
export async function trashNode(edit: Edit, space: SpaceRow, node: NodeRow): Promise<NodeRow> {
  return await edit.update(space, node, { removed: edit.now });
}

/** A node that another took the place of: a tombstone that is in no Trash. Its versions must have a new owner. */
export async function replaceNode(edit: Edit, space: SpaceRow, node: NodeRow): Promise<void> {
  if (node.kind === 'file') edit.count(space, -node.size, -1);
  await edit.update(space, node, { removed: edit.now, purged: 2, size: 0, version: null, hash: null });
}

/**
 * Takes a node out of the Trash for good. Its row stays as the tombstone under the revision that it has; children of a
 * folder follow by `purgeChildren`.
 */
export async function purgeNode(edit: Edit, space: SpaceRow, node: NodeRow, removed: number): Promise<void> {
  if (node.kind === 'file') {
    const versions = await versionsOf(await edit.connection(), node.id);
    await dropVersions(
      edit,
      space,
      versions.map(({ id }) => id),
    );
    edit.count(space, -node.size, -1);
  }
  await (
    await edit.connection()
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
  edit.forget();
}

/** True if the folder has a child that lives. */
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

/** True if something below the folder was changed after the revision `seen` by another device than `device`. */
export async function changedBelow(db: Db, folder: NodeRow, seen: number, device: string | null): Promise<boolean> {
  // Nearly always nothing in the whole space is newer, which an index answers without a walk.
  const newer = await db
    .selectFrom('nodes')
    .select('id')
    .where('space', '=', folder.space)
    .where('rev', '>', seen)
    .where((eb) => eb.or([eb('device', 'is', null), eb('device', '!=', device ?? '')]))
    .limit(1)
    .executeTakeFirst();
  if (newer === undefined) return false;
  const found = await below(db, [folder.id])
    .selectFrom('below')
    .select('id')
    .where('depth', '>', 0)
    .where('rev', '>', seen)
    .where((eb) => eb.or([eb('device', 'is', null), eb('device', '!=', device ?? '')]))
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/**
 * A query over `below`: the nodes `tops`, and all that hangs on them without being removed itself, with what is asked of
 * them. (A join with `nodes` afterwards would tempt SQLite to read the whole table.)
 */
export function below(db: Db, tops: readonly string[]) {
  return db.withRecursive('below(id, depth, kind, size, rev, device)', (query) =>
    query
      .selectFrom('nodes as start')
      .select((eb) => ['start.id as id', eb.lit(0).as('depth')])
      .select(['start.kind as kind', 'start.size as size', 'start.rev as rev', 'start.device as device'])
      .where('start.id', 'in', tops)
      .unionAll(
        query
          .selectFrom('nodes as child')
          .innerJoin('below as above', 'above.id', 'child.parent')
          .select((eb) => ['child.id as id', eb('above.depth', '+', 1).as('depth')])
          .select(['child.kind as kind', 'child.size as size', 'child.rev as rev', 'child.device as device'])
          .where('child.removed', 'is', null),
      ),
  );
}
