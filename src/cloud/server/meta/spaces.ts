import type { Attributes, SpaceRecord } from '../../records.ts';
import { Refusal } from '../refusal.ts';
import { isAccessible } from './access.ts';
import type { Caller } from './caller.ts';
import type { Transaction } from './transaction.ts';
import { checkNodeName } from './names.ts';
import { packPosix } from './posix.ts';
import { spaceRecord } from './records.ts';
import { trashNode } from './removal.ts';
import { isWritable, mayChange } from './rights.ts';
import type { Db, SpaceRow } from './schema.ts';
import { packXattrs } from './xattrs.ts';
import { newId } from '../../../vfs/ids.ts';

/** The spaces of an account, and those that are shared with it. */
export async function listSpaces(db: Db, caller: Caller): Promise<SpaceRecord[]> {
  const rows = await db
    .selectFrom('spaces')
    .leftJoin('devices', 'devices.id', 'spaces.device')
    .leftJoin('members', (join) =>
      join.onRef('members.space', '=', 'spaces.id').on('members.account', '=', caller.account),
    )
    .selectAll('spaces')
    .select(['devices.name as owner', 'members.role', 'members.place'])
    .where((eb) => isAccessible(eb, caller.account))
    .where('spaces.removed', 'is', null)
    .orderBy('spaces.created')
    .orderBy('spaces.id')
    .execute();
  return rows.map((row) => {
    const { role, place } = row;
    const share = role === null || place === null ? {} : { role, place };
    return spaceRecord(row, row.owner ?? undefined, isWritable(row, caller, role ?? 'owner'), share);
  });
}

/** A space that the account has access to. @throws not_found */
export async function findSpace(db: Db, account: string, id: string): Promise<SpaceRow> {
  const row = await db
    .selectFrom('spaces')
    .selectAll()
    .where('id', '=', id)
    .where((eb) => isAccessible(eb, account))
    .where('removed', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw new Refusal('not_found', 'there is no such space');
  return row;
}

export interface NewSpace {
  readonly id?: string;
  readonly account: string;
  readonly kind: SpaceRow['kind'];
  readonly name: string;
  readonly device: string;
}

/** Resolves to false if there already is a space with this name. */
export async function insertSpace(db: Db, space: NewSpace, now: number): Promise<boolean> {
  const counters = { rev: 0, floor: 0, bytes: 0, files: 0, created: now, removed: null, attributes: null };
  const made = await db
    .insertInto('spaces')
    .values({ id: newId(now), ...space, ...counters, root: newId(now) })
    .onConflict((conflict) => conflict.columns(['account', 'kind', 'device', 'name']).doNothing())
    .returning('id')
    .executeTakeFirst();
  return made !== undefined;
}

/**
 * Opens the backup space of a device and set, creating it if necessary. A removed one is revived, empty. @throws
 * name_invalid
 */
export async function openBackup(
  transaction: Transaction,
  device: string,
  set: string,
): Promise<{ space: SpaceRow; made: boolean }> {
  checkNodeName(set);
  const { account } = transaction.caller;
  const made = await insertSpace(
    await transaction.connection(),
    { account, kind: 'backup', name: set, device },
    transaction.now,
  );
  const { id } = await (
    await transaction.connection()
  )
    .selectFrom('spaces')
    .select('id')
    .where('account', '=', account)
    .where('kind', '=', 'backup')
    .where('device', '=', device)
    .where('name', '=', set)
    .executeTakeFirstOrThrow();
  const space = await transaction.space(id);
  const revived = space.removed !== null;
  await reviveSpace(transaction, space);
  return { space, made: made || revived };
}

/** Replaces the attributes of the root folder. @throws forbidden, not_found, too_large */
export async function setAttributes(transaction: Transaction, id: string, attributes: Attributes): Promise<SpaceRow> {
  const space = await transaction.space(id);
  mayChange(space, transaction);
  const { mode, mtime, birthtime, xattrs, posix } = attributes;
  const [packedXattrs, packedPosix] = [packXattrs(xattrs), packPosix(posix)];
  space.attributes = JSON.stringify({
    mode,
    mtime,
    birthtime,
    ...(packedXattrs === null ? {} : { xattrs }),
    ...(packedPosix === null ? {} : { posix: JSON.parse(packedPosix) as unknown }),
  });
  const { attributes: packed } = space;
  await (
    await transaction.connection()
  )
    .updateTable('spaces')
    .set({ attributes: packed })
    .where('id', '=', id)
    .execute();
  return space;
}

/** Makes a removed space live again. */
export async function reviveSpace(transaction: Transaction, space: SpaceRow): Promise<void> {
  if (space.removed === null) return;
  await (
    await transaction.connection()
  )
    .updateTable('spaces')
    .set({ removed: null })
    .where('id', '=', space.id)
    .execute();
  space.removed = null;
}

/** Removes a backup space of the calling device, and moves its content to the Trash. @throws forbidden, not_found */
export async function removeSpace(transaction: Transaction, id: string): Promise<void> {
  const space = await transaction.space(id);
  if (space.removed !== null) throw new Refusal('not_found', 'there is no such space');
  if (space.kind !== 'backup' || space.device !== transaction.caller.device) {
    throw new Refusal('forbidden', 'only a backup can be removed, and only by the device that it belongs to');
  }
  const tops = await (
    await transaction.connection()
  )
    .selectFrom('nodes')
    .selectAll()
    .where('parent', '=', space.root)
    .where('removed', 'is', null)
    .execute();
  for (const top of tops) await trashNode(transaction, space, top);
  await (
    await transaction.connection()
  )
    .updateTable('spaces')
    .set({ removed: transaction.now })
    .where('id', '=', id)
    .execute();
}
