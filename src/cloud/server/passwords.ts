import { hash, verify } from '@node-rs/argon2';
import { randomUUID } from 'node:crypto';
import type { Limiter } from './limiter.ts';
import { Refusal } from './refusal.ts';
import { Slots } from './slots.ts';

/** Passwords hashed at the same time. Each takes 19 MiB and a thread of libuv's pool, which file reads need too. */
const HASHES = 2;
const HASHES_WAITING = 64;

/** Checks passwords (argon2id) of accounts and of links, and slows down guessing. Safe to call concurrently. */
export class Passwords {
  readonly #limiter: Limiter;
  readonly #hashing = new Slots(HASHES, HASHES_WAITING);
  // What does not exist is checked against this hash, so that it takes as long as what does.
  readonly #decoy: Promise<string>;

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
    this.#decoy = hash(randomUUID());
  }

  /** A PHC string. */
  async hash(password: string): Promise<string> {
    return await this.#hashing.run(async () => hash(password));
  }

  /** Exempts a caller that has proved to be allowed in another way from being locked out by others. */
  trust(subject: string, source: string): void {
    this.#limiter.trust(subject, source);
  }

  /**
   * Resolves to what `find` has found, or to `undefined` if there is nothing or the password is another one.
   * @param subject what the password opens; attempts are counted for it
   * @param source the caller's IP address, or a name for an authenticated caller
   * @throws too_many_requests, unavailable
   */
  async check<T extends { readonly password: string }>(
    { subject, source }: { readonly subject: string; readonly source: string },
    password: string,
    find: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    // An attempt that is refused before its password is hashed does not count.
    if (this.#hashing.isFull)
      throw new Refusal('unavailable', 'too many logins at the same time; try again in a moment', { retryAfter: 1 });
    const attempt = this.#limiter.begin(subject, source);
    let outcome: Parameters<typeof attempt.end>[0] = 'unknown';
    try {
      const found = await find();
      const expected = found?.password ?? (await this.#decoy);
      const right = await this.#hashing.run(() => verify(expected, password));
      outcome = right && found !== undefined ? 'right' : 'wrong';
      return outcome === 'right' ? found : undefined;
    } finally {
      attempt.end(outcome);
    }
  }
}
