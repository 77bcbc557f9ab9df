import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { Refusal } from './refusal.ts';

const MINUTE = 60_000;

interface Rule {
  /** Failures, attempts in progress included, before further attempts must pause. */
  readonly most: number;
  /** ms after the last failure until the count restarts. */
  readonly pause: number;
}

/** Attempts from one source for one e-mail address. */
const PAIR: Rule = { most: 10, pause: 5 * MINUTE };
/** Attempts from one source for any address; many people may share a source. */
const SOURCE: Rule = { most: 100, pause: 5 * MINUTE };
/** Attempts for one address from any source, except sources that have given the right password before. */
const ADDRESS: Rule = { most: 100, pause: 10 * MINUTE };

/**
 * Most entries of each table. An attempt is counted only once it may be hashed, and fewer passwords than this can be
 * hashed during the longest pause. So a flood of other addresses cannot evict a count that is still needed.
 */
const ENTRIES = 50_000;

/** An attempt in progress, which counts as a failure until it ends. `end` must be called exactly once. */
export interface Attempt {
  /** `unknown`: the password could not be checked. */
  end(outcome: 'right' | 'wrong' | 'unknown'): void;
}

/**
 * Slows down the guessing of passwords. An attempt is counted before its password is hashed, so simultaneous attempts
 * count as well. An attacker who uses up the attempts for an address does not lock out sources that have given the
 * right password since the service started.
 */
export class Limiter {
  readonly #pairs: Tallies;
  readonly #sources: Tallies;
  readonly #addresses: Tallies;
  readonly #trusted = new LRUCache<string, true>({ max: ENTRIES });

  /** @param elapsed monotonic clock, ms */
  constructor(elapsed: () => number) {
    this.#pairs = new Tallies(PAIR, elapsed);
    this.#sources = new Tallies(SOURCE, elapsed);
    this.#addresses = new Tallies(ADDRESS, elapsed);
  }

  /** @param source an IP address, or a name for an authenticated caller. @throws too_many_requests */
  begin(address: string, source: string): Attempt {
    const from = network(source);
    const pair = `${from} ${address}`;
    const counted: [Tallies, string][] = [
      [this.#pairs, pair],
      [this.#sources, from],
    ];
    if (!this.#trusted.has(pair)) counted.push([this.#addresses, address]);
    const wait = Math.max(...counted.map(([tallies, key]) => tallies.wait(key)));
    if (wait > 0) {
      const retryAfter = Math.ceil(wait / 1000);
      throw new Refusal('too_many_requests', `too many failed attempts: wait ${retryAfter} seconds`, { retryAfter });
    }
    for (const [tallies, key] of counted) tallies.begin(key);
    return {
      end: (outcome) => {
        for (const [tallies, key] of counted) tallies.end(key, outcome === 'wrong');
        if (outcome !== 'right') return;
        this.#pairs.clear(pair);
        this.#trusted.set(pair, true);
      },
    };
  }

  /**
   * Exempts a caller that has authenticated as this account, such as a device with a token, from being locked out by
   * others.
   */
  trust(address: string, source: string): void {
    this.#trusted.set(`${network(source)} ${address}`, true);
  }
}

interface Tally {
  readonly failures: number;
  readonly underWay: number;
  /** When the last failure was. */
  readonly last: number;
}

const NONE: Tally = { failures: 0, underWay: 0, last: -Infinity };
/** Retry delay in ms if only attempts in progress exceed the limit. */
const SOON = 1000;

class Tallies {
  readonly #rule: Rule;
  readonly #elapsed: () => number;
  readonly #tallies = new LRUCache<string, Tally>({ max: ENTRIES });

  constructor(rule: Rule, elapsed: () => number) {
    this.#rule = rule;
    this.#elapsed = elapsed;
  }

  /** ms until an attempt may begin; at most 0 if it may begin now. */
  wait(key: string): number {
    const { failures, underWay, last } = this.#get(key);
    if (failures >= this.#rule.most) return last + this.#rule.pause - this.#elapsed();
    return failures + underWay >= this.#rule.most ? SOON : 0;
  }

  begin(key: string): void {
    const tally = this.#get(key);
    this.#tallies.set(key, { ...tally, underWay: tally.underWay + 1 });
  }

  end(key: string, wrong: boolean): void {
    const { failures, underWay, last } = this.#get(key);
    const left = Math.max(0, underWay - 1);
    if (wrong) this.#tallies.set(key, { failures: failures + 1, underWay: left, last: this.#elapsed() });
    else if (failures + left > 0) this.#tallies.set(key, { failures, underWay: left, last });
    else this.#tallies.delete(key);
  }

  /** Clears the failures. Attempts in progress still count. */
  clear(key: string): void {
    const { underWay } = this.#get(key);
    if (underWay > 0) this.#tallies.set(key, { ...NONE, underWay });
    else this.#tallies.delete(key);
  }

  #get(key: string): Tally {
    const tally = this.#tallies.get(key) ?? NONE;
    if (tally.failures === 0 || this.#elapsed() - tally.last < this.#rule.pause) return tally;
    return { ...NONE, underWay: tally.underWay };
  }
}

/** The /64 network of an IPv6 address, as the owner of one address usually controls the whole network. */
export function network(source: string): string {
  const ip = source.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(ip)) return ip;
  const [head = '', tail] = ip.split('::');
  const first = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - rest.length);
  const groups = [...first, ...Array.from({ length: zeros }, () => '0'), ...rest];
  return `${groups
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
