import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { Refusal } from './refusal.ts';

const MINUTE = 60_000;

interface Rule {
  /** Failures, tries under way included, until there is a pause. */
  readonly most: number;
  /** ms after the last failure until the count starts anew. */
  readonly pause: number;
}

/** Guesses of one source for one e-mail address. */
const PAIR: Rule = { most: 10, pause: 5 * MINUTE };
/** Guesses of one source, whatever the address: many people may share one. */
const SOURCE: Rule = { most: 100, pause: 5 * MINUTE };
/** Guesses for one address from wherever, but for sources that have given the right password before. */
const ADDRESS: Rule = { most: 100, pause: 10 * MINUTE };

/**
 * Entries of each table. A guess is counted once it may be hashed, and fewer can be hashed in the longest pause than this, so
 * that a flood of other addresses does not push out a count that matters.
 */
const ENTRIES = 50_000;

/** One try, counted as a failure until it ends. To be ended once. */
export interface Attempt {
  /** `unknown`: it was not found out whether the password is right. */
  end(outcome: 'right' | 'wrong' | 'unknown'): void;
}

/**
 * Makes guessing passwords slow. A try counts before its password is hashed, so that tries at the same time count, too. An
 * attacker who uses up the tries for an address leaves those of sources alone that have known its password since the
 * service started.
 */
export class Limiter {
  readonly #pairs: Tallies;
  readonly #sources: Tallies;
  readonly #addresses: Tallies;
  readonly #trusted = new LRUCache<string, true>({ max: ENTRIES });

  /** @param elapsed ms of a clock that never jumps */
  constructor(elapsed: () => number) {
    this.#pairs = new Tallies(PAIR, elapsed);
    this.#sources = new Tallies(SOURCE, elapsed);
    this.#addresses = new Tallies(ADDRESS, elapsed);
  }

  /** @param source an IP address, or a name for a caller that is known. @throws too_many_requests */
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

  /** A caller whose word for the account counts, as a device with a token: it is not locked out by strangers. */
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
/** ms after which one may ask again where only tries under way are in the way. */
const SOON = 1000;

class Tallies {
  readonly #rule: Rule;
  readonly #elapsed: () => number;
  readonly #tallies = new LRUCache<string, Tally>({ max: ENTRIES });

  constructor(rule: Rule, elapsed: () => number) {
    this.#rule = rule;
    this.#elapsed = elapsed;
  }

  /** ms until a try may begin. */
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

  /** Failures are forgiven; tries under way still count. */
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

/** Whoever has one IPv6 address has the 2^64 beside it. */
function network(source: string): string {
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
