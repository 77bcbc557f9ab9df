import type { LocationRecord, NodeRecord, SpaceRecord } from '../../records.ts';
import { Refusal } from '../refusal.ts';
import type { Caller } from './caller.ts';
import { findNode } from './history.ts';
import { nodeRecord } from './records.ts';
import type { Db, NodeRow } from './schema.ts';
import { listSpaces } from './spaces.ts';

/** Nodes read at once. */
const PAGE = 1000;

/**
 * Where a live node is; the root of a space is named by the root's id.
 * @throws not_found, gone if the node or a folder above it was removed
 */
export async function locate(db: Db, caller: Caller, id: string): Promise<LocationRecord> {
  return locateIn(db, caller.account, await listSpaces(db, caller), id);
}

/** The same for an account whose spaces are at hand. @throws not_found, gone */
export async function locateIn(
  db: Db,
  account: string,
  spaces: readonly SpaceRecord[],
  id: string,
): Promise<LocationRecord> {
  const own = spaces.find(({ root }) => root === id);
  if (own !== undefined) return { space: own, node: null, path: [] };
  const node = await findNode(db, account, id);
  const space = spaces.find(({ id }) => id === node.space);
  if (space === undefined) throw new Refusal('not_found', 'no such node');
  const path = await liveAncestors(db, node, space.root);
  return { space, node: nodeRecord(node), path: [...path, node].map(({ id, name }) => ({ id, name })) };
}

/** The folders above a node, from the top. @throws gone */
async function liveAncestors(db: Db, node: NodeRow, root: string): Promise<NodeRow[]> {
  const path: NodeRow[] = [];
  for (let at = node; ; at = path[0] ?? at) {
    if (at.removed !== null) throw new Refusal('gone', 'it was removed');
    if (at.parent === root) return path;
    path.unshift(await db.selectFrom('nodes').selectAll().where('id', '=', at.parent).executeTakeFirstOrThrow());
  }
}

/** The space of a folder, at a revision up to which a listing that is read after that has all changes. @throws not_found, gone, not_a_folder */
export async function openFolder(db: Db, caller: Caller, id: string): Promise<SpaceRecord> {
  const { space, node } = await locate(db, caller, id);
  if (node !== null && node.kind !== 'folder') throw new Refusal('not_a_folder', 'it is no folder');
  return space;
}

/** The live nodes in a folder in the order of their names, in pages. */
export async function* listFolder(db: Db, id: string): AsyncGenerator<NodeRecord[]> {
  for (let after = ''; ;) {
    const rows = await db
      .selectFrom('nodes')
      .selectAll()
      .where('parent', '=', id)
      .where('removed', 'is', null)
      .where('name', '>', after)
      .orderBy('name')
      .limit(PAGE)
      .execute();
    yield rows.map(nodeRecord);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.name;
  }
}
