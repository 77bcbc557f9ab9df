import type { Awaitable } from '../../vfs/context.ts';
import type { Lock } from './lock.ts';

/** Where locks outlive the process. Calls for one token come one after the other; errors make the request fail. */
export interface LockStore {
  /** Every lock that was saved and not removed; expired ones may be among them. Called once, before the rest. */
  load(): Awaitable<readonly Lock[]>;

  /** Adds the lock or replaces the one with its token; kept when answered. */
  save(lock: Lock): Awaitable<void>;

  /** Harmless if there is none. */
  remove(token: string): Awaitable<void>;
}

/** Locks as long as this object lives. */
export class MemoryLockStore implements LockStore {
  readonly #locks = new Map<string, Lock>();

  load(): readonly Lock[] {
    return [...this.#locks.values()];
  }

  save(lock: Lock): void {
    this.#locks.set(lock.token, lock);
  }

  remove(token: string): void {
    this.#locks.delete(token);
  }
}
