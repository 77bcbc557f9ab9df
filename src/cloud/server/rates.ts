import { LRUCache } from 'lru-cache';
import { network } from './limiter.ts';
import { Refusal } from './refusal.ts';

/** ms in which requests are counted. */
const WINDOW = 60_000;
/** Sources that are remembered. */
const ENTRIES = 50_000;

interface Count {
  readonly from: number;
  readonly requests: number;
}

/** Limits the requests of each source, an IPv4 address or an IPv6 /64 network, in a minute. */
export class Rates {
  readonly #most: number;
  readonly #elapsed: () => number;
  readonly #counts = new LRUCache<string, Count>({ max: ENTRIES });

  /** @param elapsed monotonic clock, ms */
  constructor(most: number, elapsed: () => number) {
    this.#most = most;
    this.#elapsed = elapsed;
  }

  /** @throws too_many_requests */
  count(source: string): void {
    const now = this.#elapsed();
    const key = network(source);
    const known = this.#counts.get(key);
    const { from, requests } = known === undefined || now - known.from >= WINDOW ? { from: now, requests: 0 } : known;
    this.#counts.set(key, { from, requests: requests + 1 });
    if (requests < this.#most) return;
    const retryAfter = Math.ceil((from + WINDOW - now) / 1000);
    throw new Refusal('too_many_requests', `too many requests: wait ${retryAfter} seconds`, { retryAfter });
  }
}
