import type { Catalog } from '../cache/tree/catalog.ts';
import type { PendingIntent } from '../cache/tree/journal.ts';
import type { Activity } from './drive/activity.ts';
import type { PolicyOf } from './policy/policy.ts';
import { pathOf } from './sync-status.ts';

/** What delays a flush besides the sending itself. */
export interface FlushWait {
  /**
   * `offline`: the cloud cannot be reached. `busy`: a file that will be sealed is open or locked. `parked`: it cannot be
   * sent as it is.
   */
  readonly why: 'offline' | 'busy' | 'parked';
  /** How many changes wait for that. */
  readonly count: number;
  /** One of them. */
  readonly path?: string;
  /** In words, of a parked one. */
  readonly reason?: string;
}

export interface WaitParts {
  readonly catalog: Catalog;
  readonly activity: Activity;
  readonly policyOf: PolicyOf;
}

/** What the remaining changes wait for, with the first path of each kind. */
export class WaitCount {
  readonly #parts: WaitParts;
  readonly #found = new Map<FlushWait['why'], FlushWait>();

  constructor(parts: WaitParts) {
    this.#parts = parts;
  }

  see(intent: PendingIntent): void {
    const { parked } = intent;
    if (parked !== undefined) this.#count('parked', intent, { reason: parked.reason });
    else if (this.#isHeld(intent)) this.#count('busy', intent);
  }

  /** `left`: the number of all remaining changes. */
  waits(left: number, offline: boolean): FlushWait[] {
    const unsent: FlushWait[] = offline && left > 0 ? [{ why: 'offline', count: left }] : [];
    return [...unsent, ...this.#found.values()];
  }

  #isHeld({ node }: PendingIntent): boolean {
    const { catalog, activity, policyOf } = this.#parts;
    if (!activity.isBusy(node)) return false;
    const entry = catalog.get(node);
    return entry !== undefined && policyOf(entry).sealing;
  }

  #count(why: FlushWait['why'], intent: PendingIntent, more: { readonly reason?: string } = {}): void {
    const found = this.#found.get(why);
    const one = found ?? { why, count: 0, path: pathOf(this.#parts.catalog, intent), ...more };
    this.#found.set(why, { ...one, count: one.count + 1 });
  }
}
