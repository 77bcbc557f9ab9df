import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.ts';
import { Refusal } from './refusal.ts';

const FAILURES = 10;
/** ms after the last failure until the count starts anew. */
const WINDOW = 5 * 60_000;

interface Tally {
  readonly failures: number;
  readonly last: number;
}

/** Makes guessing passwords slow: so many failures of one e-mail, then a pause. */
export class Limiter {
  readonly #tallies = new LRUCache<string, Tally>({ max: 10_000 });
  readonly #now: Clock;

  constructor(now: Clock) {
    this.#now = now;
  }

  /** @throws too_many_requests */
  check(key: string): void {
    const tally = this.#tallies.get(key);
    if (tally === undefined || tally.failures < FAILURES) return;
    const wait = tally.last + WINDOW - this.#now();
    if (wait <= 0) return void this.#tallies.delete(key);
    const retryAfter = Math.ceil(wait / 1000);
    throw new Refusal('too_many_requests', `too many failed attempts: wait ${retryAfter} seconds`, { retryAfter });
  }

  failed(key: string): void {
    const failures = (this.#tallies.get(key)?.failures ?? 0) + 1;
    this.#tallies.set(key, { failures, last: this.#now() });
  }

  succeeded(key: string): void {
    this.#tallies.delete(key);
  }
}
