import { createHash, randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { SecondFactorRecord } from '../records.ts';
import { Limiter } from './limiter.ts';
import type { MetaStore } from './meta/meta-store.ts';
import type { SecondFactorRow } from './meta/schema.ts';
import { Refusal } from './refusal.ts';

/** Bytes of a secret, as RFC 4226 recommends. */
const SECRET = 20;
/** Steps of 30 s by which the clock of a telephone may be wrong. */
const WINDOW = 1;
const RECOVERY_CODES = 10;

/**
 * Codes of an authenticator app (TOTP, RFC 6238) that an account may need beside its password. A code is accepted once. Recovery codes, each
 * of which is accepted once, replace a lost app. The secret is stored as it is, because both sides compute with it; recovery codes are
 * hashed. Safe to call concurrently.
 */
export class SecondFactor {
  readonly #meta: MetaStore;
  readonly #attempts: Limiter;

  /** @param elapsed monotonic clock, ms */
  constructor(meta: MetaStore, elapsed: () => number) {
    this.#meta = meta;
    this.#attempts = new Limiter(elapsed);
  }

  async state(account: string): Promise<SecondFactorRecord> {
    const row = await this.#find(account);
    const codes = this.#meta.db.selectFrom('recovery_codes').select('hash').where('account', '=', account);
    return { enabled: (row?.confirmed ?? null) !== null, recovery: (await codes.execute()).length };
  }

  /** Makes a secret, which is needed only after `confirm`. @returns its `otpauth:` address @throws Refusal exists */
  async begin(account: string, email: string): Promise<string> {
    const secret = new Secret({ buffer: new Uint8Array(randomBytes(SECRET)).buffer });
    await this.#meta.db.transaction().execute(async (db) => {
      const known = await db.selectFrom('second_factors').selectAll().where('account', '=', account).executeTakeFirst();
      if ((known?.confirmed ?? null) !== null)
        throw new Refusal('exists', 'the account needs codes already; turn them off first');
      await db.deleteFrom('second_factors').where('account', '=', account).execute();
      const row = { account, secret: secret.base32, confirmed: null, used: 0 };
      await db.insertInto('second_factors').values(row).execute();
    });
    return totp(secret.base32, email).toString();
  }

  /**
   * From now on the account needs codes. @param code of the app, which proves that it has the secret
   * @returns the recovery codes @throws Refusal code_required, not_found, too_many_requests
   */
  async confirm(account: string, code: string): Promise<string[]> {
    const row = await this.#find(account);
    if (row === undefined || row.confirmed !== null) throw new Refusal('not_found', 'there is no secret to confirm');
    await this.#guess(account, async () => this.#use(row, code));
    const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
    await this.#meta.db.transaction().execute(async (db) => {
      await db.deleteFrom('recovery_codes').where('account', '=', account).execute();
      await db
        .insertInto('recovery_codes')
        .values(codes.map((code) => ({ account, hash: hashOf(code) })))
        .execute();
      const now = { confirmed: this.#meta.now() };
      await db.updateTable('second_factors').set(now).where('account', '=', account).execute();
    });
    return codes;
  }

  /**
   * Resolves if the account needs no code, or this is one.
   * @throws Refusal code_required if it is missing, wrong or was used before; too_many_requests
   */
  async check(account: string, code: string | undefined): Promise<void> {
    const row = await this.#find(account);
    if (row === undefined || row.confirmed === null) return;
    const given = code?.replaceAll(/[\s-]/g, '').toLowerCase() ?? '';
    if (given === '') throw new Refusal('code_required', 'this account also needs a code of its authenticator app');
    await this.#guess(account, async () =>
      /^\d{6}$/.test(given) ? this.#use(row, given) : this.#useRecovery(account, given),
    );
  }

  async remove(account: string): Promise<void> {
    await this.#meta.db.transaction().execute(async (db) => {
      await db.deleteFrom('second_factors').where('account', '=', account).execute();
      await db.deleteFrom('recovery_codes').where('account', '=', account).execute();
    });
  }

  async #find(account: string): Promise<SecondFactorRow | undefined> {
    const query = this.#meta.db.selectFrom('second_factors').selectAll().where('account', '=', account);
    return await query.executeTakeFirst();
  }

  /** Counts the attempt for the account, wherever it comes from: who gets here knows the password. */
  async #guess(account: string, isRight: () => Promise<boolean>): Promise<void> {
    const attempt = this.#attempts.begin(account, account);
    let outcome: Parameters<typeof attempt.end>[0] = 'unknown';
    try {
      outcome = (await isRight()) ? 'right' : 'wrong';
    } finally {
      attempt.end(outcome);
    }
    if (outcome === 'wrong') throw new Refusal('code_required', 'the code is wrong, or was used already');
  }

  /** Whether it is a code of now that no other call has used, and no later one (RFC 6238, 5.2). */
  async #use({ account, secret }: SecondFactorRow, code: string): Promise<boolean> {
    const app = totp(secret, '');
    const timestamp = this.#meta.now();
    const delta = app.validate({ token: code, timestamp, window: WINDOW });
    if (delta === null) return false;
    const used = app.counter({ timestamp }) + delta;
    const update = this.#meta.db.updateTable('second_factors').set({ used }).where('account', '=', account);
    const row = await update
      .where('secret', '=', secret)
      .where('used', '<', used)
      .returning('account')
      .executeTakeFirst();
    return row !== undefined;
  }

  async #useRecovery(account: string, code: string): Promise<boolean> {
    const found = this.#meta.db.deleteFrom('recovery_codes').where('account', '=', account);
    const row = await found.where('hash', '=', hashOf(code)).returning('account').executeTakeFirst();
    return row !== undefined;
  }
}

/** SHA-1, six digits and 30 s: what all apps know. */
function totp(secret: string, label: string): TOTP {
  return new TOTP({ issuer: 'Fjord', label, secret: Secret.fromBase32(secret) });
}

/** 80 random bits in groups of four. */
function newRecoveryCode(): string {
  const text = new Secret({ buffer: new Uint8Array(randomBytes(10)).buffer }).base32.toLowerCase();
  return text.replaceAll(/.{4}(?=.)/g, '$&-');
}

function hashOf(code: string): string {
  return createHash('sha256').update(code.replaceAll('-', '')).digest('hex');
}
