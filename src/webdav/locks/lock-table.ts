import type { Hold } from '../../vfs/file-system.ts';
import type { Lock } from './lock.ts';
import { ancestors, lockKey } from './lock.ts';
import type { LockStore } from './lock-store.ts';

/** Longest delay of Node's timers, ms; longer ones overflow. */
const LONGEST_TIMER = 2 ** 31 - 1;

interface Entry {
  lock: Lock;
  readonly key: string;
  hold: Hold;
}

/**
 * The active locks, by token and by path. Reading is synchronous; a change is in the store once its promise resolves.
 * When a lock expires, its hold on the node is released.
 */
export class LockTable {
  readonly #store: LockStore;
  readonly #now: () => number;
  readonly #byToken = new Map<string, Entry>();
  readonly #byKey = new Map<string, Entry[]>();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: LockStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  get size(): number {
    return this.#byToken.size;
  }

  /** Restores the locks of the previous process. `hold` resolves to `undefined` for a node that no longer exists. */
  async restore(hold: (lock: Lock) => Promise<Hold | undefined>): Promise<void> {
    for (const lock of await this.#store.load()) {
      const held = lock.expires > this.#now() ? await hold(lock) : undefined;
      if (held === undefined) await this.#store.remove(lock.token);
      else this.#insert(lock, held);
    }
    this.#schedule();
  }

  async add(lock: Lock, hold: Hold): Promise<void> {
    this.#insert(lock, hold);
    this.#schedule();
    try {
      await this.#store.save(lock);
    } catch (error) {
      this.#drop(lock.token);
      throw error;
    }
  }

  async refresh(token: string, timeout: number): Promise<Lock | undefined> {
    const entry = this.#byToken.get(token);
    if (entry === undefined) return undefined;
    entry.lock = { ...entry.lock, timeout, expires: this.#now() + timeout };
    this.#schedule();
    await this.#store.save(entry.lock);
    return entry.lock;
  }

  async remove(token: string): Promise<void> {
    this.#drop(token);
    await this.#store.remove(token);
  }

  /**
   * Ends every lock on and below the path, for a tree that is removed or moved away. With `keepRoot` those on the path
   * itself stay.
   */
  async removeTree(names: readonly string[], { keepRoot = false } = {}): Promise<void> {
    if (this.#byToken.size === 0) return;
    const key = lockKey(names);
    const ended = [...this.#below(key), ...(keepRoot ? [] : (this.#byKey.get(key) ?? []))];
    for (const { lock } of ended) await this.remove(lock.token);
  }

  /** Gives the locks on exactly this path a hold on the node that is there now. */
  rehold(names: readonly string[], hold: () => Promise<Hold>): Promise<void> {
    const entries = this.#byKey.get(lockKey(names)) ?? [];
    return entries.reduce(async (before, entry) => {
      await before;
      const held = await hold();
      entry.hold.release();
      entry.hold = held;
    }, Promise.resolve());
  }

  /** The locks that cover a path: those on it, and those with depth infinity above it. In no particular order. */
  covering(names: readonly string[]): readonly Lock[] {
    if (this.#byToken.size === 0) return [];
    const key = lockKey(names);
    const found = this.#at(key);
    for (const above of ancestors(key)) found.push(...this.#at(above).filter((lock) => lock.depth === 'infinity'));
    return found;
  }

  /** Locks whose root is below the path. */
  below(names: readonly string[]): readonly Lock[] {
    return this.#byToken.size === 0 ? [] : this.#below(lockKey(names)).map(({ lock }) => lock);
  }

  /** Releases every node. The store keeps the locks for the next start. */
  close(): void {
    clearTimeout(this.#timer);
    for (const { hold } of this.#byToken.values()) hold.release();
    this.#byToken.clear();
    this.#byKey.clear();
  }

  #at(key: string): Lock[] {
    const now = this.#now();
    return (this.#byKey.get(key) ?? []).filter(({ lock }) => lock.expires > now).map(({ lock }) => lock);
  }

  #below(key: string): Entry[] {
    const now = this.#now();
    return [...this.#byToken.values()].filter((e) => e.key.startsWith(`${key}/`) && e.lock.expires > now);
  }

  #insert(lock: Lock, hold: Hold): void {
    const entry = { lock, key: lockKey(lock.names), hold };
    this.#byToken.set(lock.token, entry);
    this.#byKey.set(entry.key, [...(this.#byKey.get(entry.key) ?? []), entry]);
  }

  #drop(token: string): void {
    const entry = this.#byToken.get(token);
    if (entry === undefined) return;
    this.#byToken.delete(token);
    const rest = (this.#byKey.get(entry.key) ?? []).filter((other) => other !== entry);
    if (rest.length === 0) this.#byKey.delete(entry.key);
    else this.#byKey.set(entry.key, rest);
    entry.hold.release();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#byToken.size === 0) return;
    const next = Math.min(...[...this.#byToken.values()].map(({ lock }) => lock.expires));
    const delay = Math.min(Math.max(next - this.#now(), 0) + 1, LONGEST_TIMER);
    this.#timer = setTimeout(() => void this.#expire(), delay);
    this.#timer.unref();
  }

  async #expire(): Promise<void> {
    const now = this.#now();
    const ended = [...this.#byToken.values()].filter(({ lock }) => lock.expires <= now);
    for (const { lock } of ended) this.#drop(lock.token);
    this.#schedule();
    // A lock that stays in the store is dropped by `restore`, so failures need no handling.
    await Promise.allSettled(ended.map(async ({ lock }) => this.#store.remove(lock.token)));
  }
}
