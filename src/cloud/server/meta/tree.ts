import { Refusal } from '../refusal.ts';
import type { Db, NodeRow, VersionRow } from './schema.ts';
import { findSpace } from './spaces.ts';
import { asBytes } from './versions.ts';

/** Nodes read at once. */
const PAGE = 500;

/** Where a node is expected: one that is elsewhere, or gone, is not it any more. */
export type PlacedNode = Pick<NodeRow, 'id' | 'parent' | 'space'>;

/**
 * The live nodes in a folder in the order of their names. That the account has access to the space is checked for each page.
 * @throws not_found
 */
export async function* childrenOf(db: Db, account: string, space: string, folder: string): AsyncGenerator<NodeRow> {
  for (let after = ''; ;) {
    await findSpace(db, account, space);
    const rows = await db
      .selectFrom('nodes')
      .selectAll()
      .where('parent', '=', folder)
      .where('removed', 'is', null)
      .where('name', '>', after)
      .orderBy('name')
      .limit(PAGE)
      .execute();
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.name;
  }
}

/** The node, if it is still where it was. */
export async function stillThere(db: Db, { id, parent, space }: PlacedNode): Promise<NodeRow | undefined> {
  return await db
    .selectFrom('nodes')
    .selectAll()
    .where('id', '=', id)
    .where('parent', '=', parent)
    .where('space', '=', space)
    .where('removed', 'is', null)
    .executeTakeFirst();
}

export type CurrentVersion = VersionRow & { readonly account: string };

/** The content of a file and the account that stores it, if the file is still where it was. */
export async function currentVersion(db: Db, { id, parent, space }: PlacedNode): Promise<CurrentVersion | undefined> {
  const row = await db
    .selectFrom('nodes')
    .innerJoin('versions', 'versions.id', 'nodes.version')
    .innerJoin('spaces', 'spaces.id', 'nodes.space')
    .selectAll('versions')
    .select('spaces.account')
    .where('nodes.id', '=', id)
    .where('nodes.parent', '=', parent)
    .where('nodes.space', '=', space)
    .where('nodes.removed', 'is', null)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row, manifest: asBytes(row.manifest) };
}

/** Whether a folder has a live child of this name. */
export async function hasChild(db: Db, parent: string, name: string): Promise<boolean> {
  const query = db.selectFrom('nodes').select('id').where('parent', '=', parent).where('name', '=', name);
  return (await query.where('removed', 'is', null).executeTakeFirst()) !== undefined;
}

/**
 * The folder that a node's children hang on: itself or, of one under which the account has a shared space, the root of that.
 * @throws not_found, not_a_folder
 */
export async function contentFolder(db: Db, account: string, node: NodeRow): Promise<{ space: string; id: string }> {
  if (node.kind !== 'folder') throw new Refusal('not_a_folder', 'it is no folder');
  if (node.mount === null) return { space: node.space, id: node.id };
  const { id: space, root: id } = await findSpace(db, account, node.mount);
  return { space, id };
}
