import { createHash, randomBytes } from 'node:crypto';
import type { DeviceRecord } from '../../records.ts';
import { Refusal } from '../refusal.ts';
import type { Caller } from './caller.ts';
import { deviceRecord } from './records.ts';
import type { Db, DeviceRow } from './schema.ts';
import { newId } from '../../../vfs/ids.ts';

/** Shortest time between two updates of `seen`, ms. */
const SEEN_STEP = 60_000;
/** Platform of a device that is a session of the web app. */
export const WEB = 'web';
/** A session ends when it has not been used for so long, ms. */
export const SESSION_IDLE = 30 * 24 * 60 * 60 * 1000;

export interface NewDevice {
  /** Id of an existing device of the account, which gets a new token; its old one becomes invalid. */
  readonly id?: string;
  readonly name: string;
  readonly platform: string;
}

/** Creates a device, or gives an existing one a new token. Only a hash of the token is stored. */
export async function issueToken(
  db: Db,
  account: string,
  device: NewDevice,
  now: number,
): Promise<{ token: string; row: DeviceRow }> {
  const token = `fjord_${randomBytes(32).toString('base64url')}`;
  const { name, platform } = device;
  if (device.id !== undefined) {
    const changes = { name, platform, token: hashToken(token), seen: now, revoked: null };
    const known = db.updateTable('devices').set(changes).where('id', '=', device.id).where('account', '=', account);
    const row = await known.returningAll().executeTakeFirst();
    if (row === undefined) throw new Refusal('not_found', 'the account has no such device');
    return { token, row };
  }
  const row: DeviceRow = {
    id: newId(now),
    account,
    name,
    platform,
    token: hashToken(token),
    created: now,
    seen: now,
    revoked: null,
  };
  await db.insertInto('devices').values(row).execute();
  return { token, row };
}

/** The session that a token belongs to. @throws unauthorized */
export async function findSession(db: Db, token: string, now: number): Promise<DeviceRow> {
  const row = await findToken(db, token);
  if (row?.platform !== WEB || now - row.seen > SESSION_IDLE) throw new Refusal('unauthorized', 'not signed in');
  return await see(db, row, now);
}

/** The device that a token belongs to. @throws unauthorized */
export async function findByToken(db: Db, token: string, now: number): Promise<DeviceRow> {
  const row = await findToken(db, token);
  if (row === undefined)
    throw new Refusal(
      'unauthorized',
      'this computer is no longer logged in (its token is unknown or was revoked); run `fjord login`',
    );
  return await see(db, row, now);
}

async function findToken(db: Db, token: string): Promise<DeviceRow | undefined> {
  const query = db.selectFrom('devices').selectAll().where('token', '=', hashToken(token));
  return await query.where('revoked', 'is', null).executeTakeFirst();
}

async function see(db: Db, row: DeviceRow, now: number): Promise<DeviceRow> {
  if (now - row.seen < SEEN_STEP) return row;
  await db.updateTable('devices').set({ seen: now }).where('id', '=', row.id).execute();
  return { ...row, seen: now };
}

/** The devices of an account, without sessions that have ended by themselves. */
export async function listDevices(db: Db, account: string, caller: string, now: number): Promise<DeviceRecord[]> {
  const rows = await db
    .selectFrom('devices')
    .selectAll()
    .where('account', '=', account)
    .where('revoked', 'is', null)
    .where((eb) => eb.or([eb('platform', '!=', WEB), eb('seen', '>=', now - SESSION_IDLE)]))
    .orderBy('created')
    .orderBy('id')
    .execute();
  return rows.map((row) => deviceRecord(row, caller));
}

/** Invalidates the device's token at once. Data that the device has stored is kept. @throws not_found */
export async function revokeDevice(db: Db, account: string, id: string, now: number): Promise<void> {
  const row = await db
    .updateTable('devices')
    .set({ revoked: now })
    .where('id', '=', id)
    .where('account', '=', account)
    .where('revoked', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (row === undefined) throw new Refusal('not_found', 'there is no such device');
}

/** Ends the sessions of an account's browsers, but not the caller's. Resolves to their ids. */
export async function revokeSessions(
  db: Db,
  { account, device }: Caller & { readonly device: string },
  now: number,
): Promise<string[]> {
  const rows = await db
    .updateTable('devices')
    .set({ revoked: now })
    .where('account', '=', account)
    .where('platform', '=', WEB)
    .where('id', '!=', device)
    .where('revoked', 'is', null)
    .returning('id')
    .execute();
  return rows.map(({ id }) => id);
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
