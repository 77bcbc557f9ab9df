import { hash, verify } from '@node-rs/argon2';
import { v7 as uuid } from 'uuid';
import type { Limiter } from './limiter.ts';
import type { MetaStore } from './meta/meta-store.ts';
import type { AccountRow } from './meta/schema.ts';
import { insertSpace } from './meta/spaces.ts';
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

/** Who has an account and what their password is (argon2id). Safe to call concurrently. */
export class Accounts {
  readonly #meta: MetaStore;
  readonly #limiter: Limiter;
  // What an unknown e-mail is checked against, so that it takes as long as a known one.
  readonly #decoy: Promise<string>;

  constructor(meta: MetaStore, limiter: Limiter) {
    this.#meta = meta;
    this.#limiter = limiter;
    this.#decoy = hash(uuid());
  }

  /** Makes an account with its Sync and Archive. @throws Refusal bad_request, exists */
  async add(email: string, password: string, quota = DEFAULT_QUOTA): Promise<AccountInfo> {
    const address = normalize(email);
    checkPassword(password);
    if (!Number.isSafeInteger(quota) || quota < 0) throw new Refusal('bad_request', 'the quota is a count of bytes');
    const created = this.#meta.now();
    const row: AccountRow = { id: uuid(), email: address, password: await hash(password), quota, used: 0, created };
    await this.#meta.db.transaction().execute(async (db) => {
      const taken = await db.selectFrom('accounts').select('id').where('email', '=', address).executeTakeFirst();
      if (taken !== undefined) throw new Refusal('exists', `there is an account of ${address} already`);
      await db.insertInto('accounts').values(row).execute();
      await insertSpace(db, { account: row.id, kind: 'sync', name: 'sync', device: '' }, created);
      await insertSpace(db, { account: row.id, kind: 'archive', name: 'archive', device: '' }, created);
    });
    return info(row);
  }

  /** Devices stay logged in. @throws Refusal bad_request, not_found */
  async setPassword(email: string, password: string): Promise<void> {
    checkPassword(password);
    const update = this.#meta.db.updateTable('accounts').set({ password: await hash(password) });
    const row = await update.where('email', '=', normalize(email)).returning('id').executeTakeFirst();
    if (row === undefined) throw new Refusal('not_found', `there is no account of ${email}`);
  }

  /** @throws Refusal bad_request, not_found */
  async setQuota(email: string, quota: number): Promise<void> {
    if (!Number.isSafeInteger(quota) || quota < 0) throw new Refusal('bad_request', 'the quota is a count of bytes');
    const update = this.#meta.db.updateTable('accounts').set({ quota }).where('email', '=', normalize(email));
    const row = await update.returning('id').executeTakeFirst();
    if (row === undefined) throw new Refusal('not_found', `there is no account of ${email}`);
  }

  async list(): Promise<AccountInfo[]> {
    const rows = await this.#meta.db.selectFrom('accounts').selectAll().orderBy('email').execute();
    return rows.map(info);
  }

  /** The account, if the password is right. @throws unauthorized, too_many_requests */
  async authenticate(email: string, password: string): Promise<AccountInfo> {
    const address = email.trim().toLowerCase();
    this.#limiter.check(address);
    const row = await this.#meta.db.selectFrom('accounts').selectAll().where('email', '=', address).executeTakeFirst();
    await this.#check(address, row?.password ?? (await this.#decoy), password);
    if (row === undefined) throw wrong();
    return info(row);
  }

  /** @throws unauthorized, too_many_requests */
  async confirmPassword(account: string, password: string): Promise<void> {
    const row = await this.#meta.db
      .selectFrom('accounts')
      .selectAll()
      .where('id', '=', account)
      .executeTakeFirstOrThrow();
    this.#limiter.check(row.email);
    await this.#check(row.email, row.password, password);
  }

  async #check(email: string, expected: string, password: string): Promise<void> {
    if (!(await verify(expected, password))) {
      this.#limiter.failed(email);
      throw wrong();
    }
    this.#limiter.succeeded(email);
  }
}

function wrong(): Refusal {
  return new Refusal('unauthorized', 'the e-mail or the password is wrong');
}

function normalize(email: string): string {
  const address = email.trim().toLowerCase();
  if (!/^[^@\s]+@[^@\s]+$/.test(address) || address.length > 254) {
    throw new Refusal('bad_request', `${email} is not an e-mail address`);
  }
  return address;
}

function checkPassword(password: string): void {
  if (password.length >= PASSWORD_MIN && password.length <= 1000) return;
  throw new Refusal('bad_request', `a password has at least ${PASSWORD_MIN} characters`);
}

function info({ id, email, quota, used, created }: AccountRow): AccountInfo {
  return { id, email, quota, used, created };
}
