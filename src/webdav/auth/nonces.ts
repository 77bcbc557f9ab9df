import { createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const LIFETIME = 8 * 3_600_000;
/** How far below the highest counter others are accepted, as requests on parallel connections overtake each other. */
const WINDOW = 1024;

interface Use {
  highest: number;
  readonly seen: Set<number>;
}

/**
 * Creates and checks nonces. A nonce carries its time and a keyed hash, so a flood of unauthenticated requests uses no
 * memory. Only nonces that a correct response has used are remembered, with the counters used.
 */
export class Nonces {
  readonly #key: Buffer;
  readonly #now: () => number;
  readonly #random: (size: number) => Buffer;
  readonly #used = new LRUCache<string, Use>({ max: 1000 });

  constructor(now: () => number, random: (size: number) => Buffer) {
    this.#key = random(32);
    this.#now = now;
    this.#random = random;
  }

  make(): string {
    const head = `${this.#now().toString(36)}.${this.#random(9).toString('base64url')}`;
    return `${head}.${this.#sign(head)}`;
  }

  /**
   * Records a nonce and counter of a correct response. False if they are not acceptable and the client needs a new
   * nonce.
   */
  use(nonce: string, count: number): boolean {
    if (!this.#isFresh(nonce)) return false;
    let use = this.#used.get(nonce);
    if (use === undefined) this.#used.set(nonce, (use = { highest: 0, seen: new Set() }));
    if (count <= use.highest - WINDOW || use.seen.has(count)) return false;
    use.seen.add(count);
    if (count > use.highest) {
      use.highest = count;
      if (use.seen.size > 2 * WINDOW) for (const old of use.seen) if (old <= count - WINDOW) use.seen.delete(old);
    }
    return true;
  }

  #isFresh(nonce: string): boolean {
    const [time = '', salt = '', signature = ''] = nonce.split('.');
    const expected = Buffer.from(this.#sign(`${time}.${salt}`));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
    const age = this.#now() - parseInt(time, 36);
    return age >= -LIFETIME && age <= LIFETIME;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url').slice(0, 27);
  }
}
