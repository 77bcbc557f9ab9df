import { newId } from '../../../vfs/ids.ts';
import type { Role, ShareRecord } from '../../records.ts';
import { Refusal } from '../refusal.ts';
import { liveNode, type Transaction } from './transaction.ts';
import { numbered } from './names.ts';
import { relabel } from './relabel.ts';
import type { Db, MemberRow, NodeRow, SpaceRow } from './schema.ts';
import { insertSpace } from './spaces.ts';
import { countSpaceVersions } from './versions.ts';

/** What is refused in words when a folder cannot be shared. */
const NESTED = 'shared folders do not nest';

/** The shared folders of an account, and the invitations that it has. */
export async function listShares(db: Db, account: string): Promise<ShareRecord[]> {
  const email = await emailOf(db, account);
  const mine = await db
    .selectFrom('members')
    .innerJoin('spaces', 'spaces.id', 'members.space')
    .selectAll('members')
    .where('members.email', '=', email)
    .where('spaces.removed', 'is', null)
    .orderBy('members.created')
    .orderBy('members.space')
    .execute();
  return await Promise.all(mine.map(async (row) => shareRecord(db, row)));
}

async function shareRecord(db: Db, me: MemberRow): Promise<ShareRecord> {
  const all = await membersOf(db, me.space);
  const owner = ownerAmong(all);
  const accepted = me.account !== null;
  const named = accepted ? me : owner;
  const shown = all.filter((member) => me.role === 'owner' || (accepted && member.account !== null));
  return {
    space: me.space,
    name: await nameOf(db, named.place ?? ''),
    owner: owner.email,
    role: me.role,
    accepted,
    ...(me.place === null ? {} : { place: me.place }),
    members: shown.map(({ email, role, account }) => ({ email, role, accepted: account !== null })),
  };
}

/**
 * Shares a folder of the caller's Sync with an e-mail address, which is invited; a member's role is changed. What is in the
 * folder moves into a space of its own, with all versions, and what of it is in the Trash.
 * @throws not_found, gone, bad_request, forbidden
 */
export async function share(transaction: Transaction, node: string, email: string, role: Role): Promise<ShareRecord> {
  const { account } = transaction.caller;
  const sync = await syncOf(transaction, account);
  const folder = await shareable(transaction, sync, node);
  const db = await transaction.connection();
  const own = await emailOf(db, account);
  if (email === own) throw new Refusal('bad_request', 'a folder is shared with others than its owner');
  const space =
    folder.mount === null
      ? await openShared(transaction, sync, folder, own)
      : await ownShare(transaction, folder.mount);
  const known = await member(db, space.id, email);
  await db
    .insertInto('members')
    .values({ space: space.id, email, account: null, role, place: null, created: transaction.now })
    .onConflict((conflict) => conflict.columns(['space', 'email']).doUpdateSet({ role }))
    .execute();
  await relistMembers(transaction, space.id);
  if (known === undefined) await relistEmail(transaction, email);
  return await shareRecord(db, await mustBeMember(db, space.id, own));
}

/** A folder that can be shared, or is. */
async function shareable(transaction: Transaction, sync: SpaceRow, id: string): Promise<NodeRow> {
  const folder = await transaction.node(id, sync);
  if (folder === undefined && (await transaction.isElsewhere(id, sync))) {
    throw new Refusal('forbidden', `only a folder of Sync can be shared, and ${NESTED}`);
  }
  await liveNode(transaction, sync, id);
  if (folder === undefined || folder.kind !== 'folder')
    throw new Refusal('not_a_folder', 'only a folder can be shared');
  if (folder.mount === null && (await mountsBelow(transaction, sync, folder)).length > 0) {
    throw new Refusal('forbidden', `there is a shared folder in it, and ${NESTED}`);
  }
  return folder;
}

async function openShared(transaction: Transaction, sync: SpaceRow, folder: NodeRow, email: string): Promise<SpaceRow> {
  const { account } = transaction.caller;
  const id = newId(transaction.now);
  await insertSpace(
    await transaction.connection(),
    { id, account, kind: 'shared', name: id, device: '' },
    transaction.now,
  );
  const space = await transaction.space(id);
  await relabel(transaction, { from: sync, top: folder.id, to: space, parent: space.root });
  await countSpaceVersions(transaction, space);
  await transaction.update(sync, folder, { mount: id });
  await (
    await transaction.connection()
  )
    .insertInto('members')
    .values({ space: id, email, account, role: 'owner', place: folder.id, created: transaction.now })
    .execute();
  return space;
}

/** Accepts an invitation: the folder appears in the caller's Sync, by its name or beside it. @throws not_found */
export async function accept(transaction: Transaction, id: string): Promise<ShareRecord> {
  const { account } = transaction.caller;
  const db = await transaction.connection();
  const email = await emailOf(db, account);
  const invitation = await mustBeMember(db, id, email);
  if (invitation.account !== null) return await shareRecord(db, invitation);
  const sync = await syncOf(transaction, account);
  const owner = ownerAmong(await membersOf(db, id));
  const name = await freeName(transaction, sync.root, await nameOf(db, owner.place ?? ''));
  const place = newId(transaction.now);
  const times = { mtime: transaction.now, birthtime: transaction.now };
  const content = { size: 0, version: null, hash: null, target: null, xattrs: null, posix: null };
  const folder = { id: place, space: sync.id, parent: sync.root, name, kind: 'folder', mode: 0o755 } as const;
  const row = await transaction.insert(sync, { ...folder, ...times, ...content });
  await transaction.update(sync, row, { mount: id });
  const accepted = { account, place };
  await (
    await transaction.connection()
  )
    .updateTable('members')
    .set(accepted)
    .where('space', '=', id)
    .where('email', '=', email)
    .execute();
  await relistMembers(transaction, id);
  return await shareRecord(await transaction.connection(), { ...invitation, ...accepted });
}

/** The caller declines an invitation, or leaves a folder that is shared with it. @throws not_found, forbidden */
export async function leave(transaction: Transaction, id: string): Promise<void> {
  const db = await transaction.connection();
  const me = await mustBeMember(db, id, await emailOf(db, transaction.caller.account));
  if (me.role === 'owner')
    throw new Refusal('forbidden', 'the owner of a shared folder can stop sharing it, not leave it');
  await dismiss(transaction, me);
}

/** The owner takes the folder away from a member, or an invitation back. @throws not_found, forbidden */
export async function revoke(transaction: Transaction, id: string, email: string): Promise<void> {
  const space = await ownShare(transaction, id);
  const gone = await mustBeMember(await transaction.connection(), space.id, email);
  if (gone.role === 'owner') throw new Refusal('forbidden', 'the owner stays');
  await dismiss(transaction, gone);
}

/** The owner stops sharing: the folder is one of its Sync again, and no other member has it. @throws not_found, forbidden */
export async function unshare(transaction: Transaction, id: string): Promise<void> {
  const space = await ownShare(transaction, id);
  const members = await membersOf(await transaction.connection(), id);
  const { place } = ownerAmong(members);
  const sync = await syncOf(transaction, transaction.caller.account);
  const folder = await liveNode(transaction, sync, place ?? '');
  for (const other of members) if (other.role !== 'owner') await dismiss(transaction, other);
  await relabel(transaction, { from: space, top: space.root, to: sync, parent: folder.id });
  const db = await transaction.connection();
  await transaction.update(sync, folder, { mount: null });
  await db.deleteFrom('space_blocks').where('space', '=', id).execute();
  await db.deleteFrom('members').where('space', '=', id).execute();
  await db.updateTable('spaces').set({ removed: transaction.now }).where('id', '=', id).execute();
  transaction.relist(transaction.caller.account);
}

/** A node of Sync is removed: shared folders in it, or itself, are left. @throws forbidden for those of the account itself */
export async function leaveBelow(transaction: Transaction, sync: SpaceRow, node: NodeRow): Promise<void> {
  const mounts = node.mount === null ? await mountsBelow(transaction, sync, node) : [node];
  const db = await transaction.connection();
  const email = mounts.length === 0 ? '' : await emailOf(db, transaction.caller.account);
  const memberships = [];
  for (const { mount } of mounts) memberships.push(await mustBeMember(db, mount ?? '', email));
  if (memberships.some(({ role }) => role === 'owner')) {
    throw new Refusal('forbidden', 'a shared folder is removed for all by its owner, who has to stop sharing it first');
  }
  for (const membership of memberships) await dismiss(transaction, membership);
}

/** Folders below a node of Sync under which shared spaces are. */
export async function mountsBelow(transaction: Transaction, sync: SpaceRow, top: NodeRow): Promise<NodeRow[]> {
  if (top.kind !== 'folder' || sync.kind !== 'sync') return [];
  const mounts = await (
    await transaction.connection()
  )
    .selectFrom('nodes')
    .selectAll()
    .where('space', '=', sync.id)
    .where('mount', 'is not', null)
    .where('removed', 'is', null)
    .execute();
  const found: NodeRow[] = [];
  for (const mount of mounts) {
    let at: NodeRow | undefined = mount;
    while (at !== undefined && at.id !== top.id) at = await transaction.node(at.parent, sync);
    if (at !== undefined && mount.id !== top.id) found.push(mount);
  }
  return found;
}

/** A member has the space no more; the folder in its Sync goes without having been in any Trash. */
async function dismiss(transaction: Transaction, { space, email, account, place }: MemberRow): Promise<void> {
  await relistMembers(transaction, space);
  if (account === null) await relistEmail(transaction, email);
  else await removePlace(transaction, account, place ?? '');
  const db = await transaction.connection();
  await db.deleteFrom('members').where('space', '=', space).where('email', '=', email).execute();
}

async function removePlace(transaction: Transaction, account: string, place: string): Promise<void> {
  const sync = await syncOf(transaction, account);
  const folder = await transaction.node(place, sync);
  if (folder === undefined || folder.removed !== null) return;
  await transaction.update(sync, folder, { removed: transaction.now, purged: 2, mount: null });
}

/** The Sync of any account, locked. */
async function syncOf(transaction: Transaction, account: string): Promise<SpaceRow> {
  const { id } = await (
    await transaction.connection()
  )
    .selectFrom('spaces')
    .select('id')
    .where('account', '=', account)
    .where('kind', '=', 'sync')
    .executeTakeFirstOrThrow();
  const space = account === transaction.caller.account ? await transaction.space(id) : await transaction.lock(id);
  if (space === undefined) throw new Refusal('not_found', 'there is no such space');
  return space;
}

/** A shared space that the caller owns. @throws not_found, forbidden */
async function ownShare(transaction: Transaction, id: string): Promise<SpaceRow> {
  const space = await transaction.space(id);
  if (space.kind !== 'shared' || space.removed !== null) throw new Refusal('not_found', 'no such shared folder');
  if (transaction.roleIn(space) !== 'owner')
    throw new Refusal('forbidden', 'only the owner of a shared folder may do this');
  return space;
}

async function membersOf(db: Db, space: string): Promise<MemberRow[]> {
  const order = db.selectFrom('members').selectAll().where('space', '=', space).orderBy('created').orderBy('email');
  return await order.execute();
}

function ownerAmong(members: readonly MemberRow[]): MemberRow {
  const owner = members.find(({ role }) => role === 'owner');
  if (owner === undefined) throw new Refusal('not_found', 'no such shared folder');
  return owner;
}

async function member(db: Db, space: string, email: string): Promise<MemberRow | undefined> {
  const query = db.selectFrom('members').selectAll().where('space', '=', space);
  return await query.where('email', '=', email).executeTakeFirst();
}

async function mustBeMember(db: Db, space: string, email: string): Promise<MemberRow> {
  const found = await member(db, space, email);
  if (found === undefined) throw new Refusal('not_found', 'no such shared folder');
  return found;
}

async function relistMembers(transaction: Transaction, space: string): Promise<void> {
  for (const { account } of await membersOf(await transaction.connection(), space))
    if (account !== null) transaction.relist(account);
}

/** An invitation is listed by the account of its address, if there is one. */
async function relistEmail(transaction: Transaction, email: string): Promise<void> {
  const query = (await transaction.connection()).selectFrom('accounts').select('id').where('email', '=', email);
  const account = await query.executeTakeFirst();
  if (account !== undefined) transaction.relist(account.id);
}

async function emailOf(db: Db, account: string): Promise<string> {
  const query = db.selectFrom('accounts').select('email').where('id', '=', account);
  return (await query.executeTakeFirstOrThrow()).email;
}

async function nameOf(db: Db, node: string): Promise<string> {
  const row = await db.selectFrom('nodes').select('name').where('id', '=', node).executeTakeFirst();
  return row?.name ?? 'shared';
}

async function freeName(transaction: Transaction, parent: string, name: string): Promise<string> {
  let free = name;
  for (let number = 2; (await transaction.child(parent, free)) !== undefined; number += 1)
    free = numbered(name, number);
  return free;
}
