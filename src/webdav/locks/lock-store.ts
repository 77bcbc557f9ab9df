import type { Awaitable } from '../../vfs/context.ts';
import type { Lock } from './lock.ts';

/** Stores locks beyond the life of the process. Calls for one token do not overlap; an error fails the request. */
export interface LockStore {
  /** Every lock that was saved and not removed, expired ones included. Called once, before any other method. */
  load(): Awaitable<readonly Lock[]>;

  /** Adds the lock, or replaces the one with the same token. It is stored once this resolves. */
  save(lock: Lock): Awaitable<void>;

  /** Does nothing if there is no such lock. */
  remove(token: string): Awaitable<void>;
}

/** Keeps locks in memory, for the lifetime of this object. */
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
