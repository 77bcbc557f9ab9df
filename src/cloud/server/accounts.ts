import { newId } from '../../vfs/ids.ts';
import type { Caller } from './meta/caller.ts';
import type { MetaStore } from './meta/meta-store.ts';
import type { AccountRow } from './meta/schema.ts';
import { insertSpace } from './meta/spaces.ts';
import type { Passwords } from './passwords.ts';
import type { SecondFactor } from './second-factor.ts';
import { Refusal } from './refusal.ts';

/** 1 TiB. */
export const DEFAULT_QUOTA = 2 ** 40;
const PASSWORD_MIN = 8;

export interface AccountInfo {
  readonly id: string;
  readonly email: string;
  /** Bytes. */
  readonly quota: number;
  readonly used: number;
  readonly created: number;
}

/** The accounts and their passwords (argon2id). Safe to call concurrently. */
export class Accounts {
  readonly #meta: MetaStore;
  readonly #passwords: Passwords;
  readonly #secondFactor: SecondFactor;

  constructor(meta: MetaStore, passwords: Passwords, secondFactor: SecondFactor) {
    this.#meta = meta;
    this.#passwords = passwords;
    this.#secondFactor = secondFactor;
  }

  /** Creates an account with its Sync and Archive. @throws Refusal bad_request, exists */
  async add(email: string, password: string, quota = DEFAULT_QUOTA): Promise<AccountInfo> {
    const address = normalize(email);
    checkPassword(password);
    if (!Number.isSafeInteger(quota) || quota < 0)
      throw new Refusal('bad_request', 'the quota must be a whole number of bytes');
    const created = this.#meta.now();
    const row: AccountRow = {
      id: newId(created),
      email: address,
      password: await this.#passwords.hash(password),
      quota,
      used: 0,
      created,
    };
    await this.#meta.db.transaction().execute(async (db) => {
      const taken = await db.selectFrom('accounts').select('id').where('email', '=', address).executeTakeFirst();
      if (taken !== undefined)
        throw new Refusal('exists', `there is already an account for ${address}; use another address`);
      await db.insertInto('accounts').values(row).execute();
      await insertSpace(db, { account: row.id, kind: 'sync', name: 'sync', device: '' }, created);
      await insertSpace(db, { account: row.id, kind: 'archive', name: 'archive', device: '' }, created);
    });
    return info(row);
  }

  async isEmpty(): Promise<boolean> {
    const row = await this.#meta.db.selectFrom('accounts').select('id').limit(1).executeTakeFirst();
    return row === undefined;
  }

  /**
   * Changes the password of the caller's account, which the caller must give.
   * @throws Refusal bad_request, unauthorized, too_many_requests, unavailable
   */
  async changePassword(
    { account, device }: Caller & { readonly device: string },
    password: string,
    next: string,
  ): Promise<void> {
    checkPassword(next);
    await this.confirmPassword(account, password, device);
    const update = this.#meta.db.updateTable('accounts').set({ password: await this.#passwords.hash(next) });
    await update.where('id', '=', account).execute();
  }

  /** Devices stay logged in. @throws Refusal bad_request, not_found */
  async setPassword(email: string, password: string): Promise<void> {
    checkPassword(password);
    const update = this.#meta.db.updateTable('accounts').set({ password: await this.#passwords.hash(password) });
    const row = await update.where('email', '=', normalize(email)).returning('id').executeTakeFirst();
    if (row === undefined) throw new Refusal('not_found', `there is no account for ${email}`);
  }

  /** Lets an account in with its password alone, as its authenticator app is lost. @throws Refusal not_found */
  async removeSecondFactor(email: string): Promise<void> {
    const query = this.#meta.db.selectFrom('accounts').select('id').where('email', '=', normalize(email));
    const row = await query.executeTakeFirst();
    if (row === undefined) throw new Refusal('not_found', `there is no account for ${email}`);
    await this.#secondFactor.remove(row.id);
  }

  /** @throws Refusal bad_request, not_found */
  async setQuota(email: string, quota: number): Promise<void> {
    if (!Number.isSafeInteger(quota) || quota < 0)
      throw new Refusal('bad_request', 'the quota must be a whole number of bytes');
    const update = this.#meta.db.updateTable('accounts').set({ quota }).where('email', '=', normalize(email));
    const row = await update.returning('id').executeTakeFirst();
    if (row === undefined) throw new Refusal('not_found', `there is no account for ${email}`);
  }

  async list(): Promise<AccountInfo[]> {
    const rows = await this.#meta.db.selectFrom('accounts').selectAll().orderBy('email').execute();
    return rows.map(info);
  }

  /**
   * The account, if the password is right and, where one is needed, the code of an authenticator app.
   * @param source the caller's IP address
   * @throws unauthorized, code_required, too_many_requests, unavailable
   */
  async authenticate(email: string, password: string, source: string, code?: string): Promise<AccountInfo> {
    const address = email.trim().toLowerCase();
    const row = await this.#guess(address, password, source, async () =>
      this.#meta.db.selectFrom('accounts').selectAll().where('email', '=', address).executeTakeFirst(),
    );
    await this.#secondFactor.check(row.id, code);
    return info(row);
  }

  /**
   * Resolves to the e-mail address of the account.
   * @param device the calling device; each device has its own count of attempts. @throws unauthorized,
   * too_many_requests, unavailable
   */
  async confirmPassword(account: string, password: string, device: string): Promise<string> {
    const row = await this.#meta.db
      .selectFrom('accounts')
      .selectAll()
      .where('id', '=', account)
      .executeTakeFirstOrThrow();
    const source = `device ${device}`;
    this.#passwords.trust(row.email, source);
    await this.#guess(row.email, password, source, async () => row);
    return row.email;
  }

  async #guess(
    address: string,
    password: string,
    source: string,
    find: () => Promise<AccountRow | undefined>,
  ): Promise<AccountRow> {
    const row = await this.#passwords.check({ subject: address, source }, password, find);
    if (row === undefined) throw wrong();
    return row;
  }
}

function wrong(): Refusal {
  return new Refusal('unauthorized', 'the e-mail address or the password is wrong');
}

/** As addresses are stored. @throws bad_request */
export function normalize(email: string): string {
  const address = email.trim().toLowerCase();
  if (!/^[^@\s]+@[^@\s]+$/.test(address) || address.length > 254) {
    throw new Refusal('bad_request', `${email} is not an e-mail address`);
  }
  return address;
}

function checkPassword(password: string): void {
  if (password.length >= PASSWORD_MIN && password.length <= 1000) return;
  throw new Refusal('bad_request', `a password must have at least ${PASSWORD_MIN} characters`);
}

function info({ id, email, quota, used, created }: AccountRow): AccountInfo {
  return { id, email, quota, used, created };
}
