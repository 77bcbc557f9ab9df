import type { TrashRecord } from '../../records.ts';
import { TRASH_KEPT } from '../purge.ts';
import { Refusal } from '../refusal.ts';
import { inChunks } from './chunks.ts';
import { isLive, type Transaction } from './transaction.ts';
import { numbered } from './names.ts';
import { nodeRecord } from './records.ts';
import { withRemovers } from './removers.ts';
import { below } from './removal.ts';
import { mayAdd } from './rights.ts';
import type { Db, NodeRow, SpaceRow } from './schema.ts';
import { reviveSpace } from './spaces.ts';
import { newId } from '../../../vfs/ids.ts';

/** Entries read by one query. */
const PAGE = 100;

/** Yields the content of the Trash in pages, newest first. */
export async function* listTrash(db: Db, account: string): AsyncGenerator<TrashRecord[]> {
  let last: NodeRow | undefined;
  do {
    const rows = await trashPage(db, account, last);
    if (rows.length > 0) {
      const records = await Promise.all(rows.map(async (row) => trashRecord(db, row)));
      yield await withRemovers(db, account, records, ({ node }) => node);
    }
    last = rows.at(-1);
  } while (last !== undefined);
}

async function trashPage(db: Db, account: string, after: NodeRow | undefined): Promise<NodeRow[]> {
  let query = db
    .selectFrom('nodes')
    .innerJoin('spaces', 'spaces.id', 'nodes.space')
    .selectAll('nodes')
    .where('spaces.account', '=', account)
    .where('nodes.removed', 'is not', null)
    .where((eb) => eb('nodes.purged', '=', eb.lit(0)));
  if (after !== undefined) {
    query = query.where((eb) =>
      eb.or([
        eb('nodes.removed', '<', after.removed),
        eb.and([eb('nodes.removed', '=', after.removed), eb('nodes.id', '<', after.id)]),
      ]),
    );
  }
  return await query.orderBy('nodes.removed', 'desc').orderBy('nodes.id', 'desc').limit(PAGE).execute();
}

async function trashRecord(db: Db, row: NodeRow): Promise<TrashRecord> {
  const removed = row.removed ?? 0;
  const names = (await ancestors(db, row)).map(({ name }) => name);
  const path = `/${[...names, row.name].join('/')}`;
  const { bytes, files } = await weigh(db, [row.id]);
  return { node: nodeRecord(row), path, removed, expires: removed + TRASH_KEPT, size: bytes, files };
}

/** The path of a node in its space, even if it is removed; '' if there is no such node. */
export async function pathOf(db: Db, id: string): Promise<string> {
  const row = await db.selectFrom('nodes').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return '';
  const names = (await ancestors(db, row)).map(({ name }) => name);
  return `/${[...names, row.name].join('/')}`;
}

/** The folders above a node, topmost first, removed ones included. */
async function ancestors(db: Db, node: NodeRow): Promise<NodeRow[]> {
  const path: NodeRow[] = [];
  for (let at = node.parent; ;) {
    const above = await db.selectFrom('nodes').selectAll().where('id', '=', at).executeTakeFirst();
    // What has moved to another space since says nothing here, where others may read it.
    if (above === undefined || above.space !== node.space) return path.toReversed();
    path.push(above);
    at = above.parent;
  }
}

/** The bytes and number of files in subtrees. */
export async function weigh(db: Db, tops: readonly string[]): Promise<{ bytes: number; files: number }> {
  const total = { bytes: 0, files: 0 };
  for (const chunk of inChunks(tops)) {
    const sum = await sumBelow(db, chunk);
    total.bytes += sum.bytes ?? 0;
    total.files += sum.files;
  }
  return total;
}

async function sumBelow(db: Db, tops: readonly string[]): Promise<{ bytes: number | null; files: number }> {
  return await below(db, tops)
    .selectFrom('below')
    .select((eb) => [eb.fn.sum<number | null>('size').as('bytes'), eb.fn.countAll<number>().as('files')])
    .where('kind', '=', 'file')
    .executeTakeFirstOrThrow();
}

/** A node in the Trash of the account, with its space. @throws not_found */
export async function trashedNode(transaction: Transaction, id: string): Promise<[SpaceRow, NodeRow]> {
  const row = await (
    await transaction.connection()
  )
    .selectFrom('nodes')
    .innerJoin('spaces', 'spaces.id', 'nodes.space')
    .select('nodes.space')
    .where('nodes.id', '=', id)
    .where('spaces.account', '=', transaction.caller.account)
    .where('nodes.removed', 'is not', null)
    .where('nodes.purged', '=', 0)
    .executeTakeFirst();
  if (row === undefined) throw new Refusal('not_found', 'there is no such node in the Trash');
  const space = await transaction.space(row.space);
  const node = await transaction.node(id, space);
  if (node === undefined) throw new Refusal('not_found', 'there is no such node in the Trash');
  return [space, node];
}

/**
 * Restores a node to its old place, with a number in its name if that is taken; missing folders are recreated. The node
 * and everything below it get new revisions, so that followers receive them again.
 * @throws not_found, forbidden
 */
export async function restoreNode(transaction: Transaction, id: string): Promise<{ node: NodeRow; revived: boolean }> {
  const [space, node] = await trashedNode(transaction, id);
  // Restoring from a removed space revives the space, so it needs the right to write to it.
  mayAdd({ ...space, removed: null }, transaction);
  const revived = space.removed !== null;
  await reviveSpace(transaction, space);
  const parent = await restoreParent(transaction, space, node);
  const name = await freeName(transaction, parent, node.name);
  const restored = await transaction.update(space, node, { parent, name, removed: null });
  await renumber(transaction, space, id);
  return { node: restored, revived };
}

async function restoreParent(transaction: Transaction, space: SpaceRow, node: NodeRow): Promise<string> {
  let parent = space.root;
  for (const folder of await ancestors(await transaction.connection(), node)) {
    if (await isLive(transaction, space, folder)) parent = folder.id;
    else
      parent =
        (await revivedFolder(transaction, space, parent, folder)) ??
        (await sameFolder(transaction, space, parent, folder));
  }
  return parent;
}

/**
 * Takes the folder itself out of the Trash, if that restores nothing else: `rm -r` empties a folder before it removes it, and a
 * folder made in its place would keep it from coming back under its name. `undefined` if it cannot.
 */
async function revivedFolder(
  transaction: Transaction,
  space: SpaceRow,
  parent: string,
  lost: NodeRow,
): Promise<string | undefined> {
  if (lost.removed === null || lost.purged !== 0) return undefined;
  if ((await transaction.child(parent, lost.name)) !== undefined) return undefined;
  const db = await transaction.connection();
  const inside = await db
    .selectFrom('nodes')
    .select('id')
    .where('parent', '=', lost.id)
    .where('removed', 'is', null)
    .limit(1)
    .executeTakeFirst();
  if (inside !== undefined) return undefined;
  await transaction.update(space, lost, { parent, removed: null });
  return lost.id;
}

/** The live folder with the name of a removed one, created if there is none. */
async function sameFolder(transaction: Transaction, space: SpaceRow, parent: string, lost: NodeRow): Promise<string> {
  const holder = await transaction.child(parent, lost.name);
  if (holder?.kind === 'folder') return holder.id;
  const { mode, mtime, birthtime, xattrs, posix } = lost;
  const made = await transaction.insert(space, {
    id: newId(transaction.now),
    space: space.id,
    parent,
    name: await freeName(transaction, parent, lost.name),
    kind: 'folder',
    size: 0,
    version: null,
    hash: null,
    target: null,
    mode,
    mtime,
    birthtime,
    xattrs,
    posix,
  });
  return made.id;
}

async function freeName(transaction: Transaction, parent: string, name: string): Promise<string> {
  let free = name;
  for (let number = 2; (await transaction.child(parent, free)) !== undefined; number += 1)
    free = numbered(name, number);
  return free;
}

/** Gives new revisions to everything below a node, parents first. */
async function renumber(transaction: Transaction, space: SpaceRow, top: string): Promise<void> {
  const rows = await below(await transaction.connection(), [top])
    .selectFrom('below')
    .select('id')
    .where('id', '!=', top)
    .orderBy('depth')
    .orderBy('id')
    .execute();
  for (const { id } of rows) {
    const { device } = transaction.caller;
    const stamp = { rev: transaction.nextRev(space), ctime: transaction.now, device };
    await (
      await transaction.connection()
    )
      .updateTable('nodes')
      .set((eb) => ({
        ...stamp,
        others: eb.case().when('device', '=', device).then(eb.ref('others')).else(eb.ref('rev')).end(),
      }))
      .where('id', '=', id)
      .execute();
  }
  transaction.forget();
}
