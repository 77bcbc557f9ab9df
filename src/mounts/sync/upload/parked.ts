import type { PendingIntent } from '../../../cache/tree/journal.ts';
import type { Quota } from '../../drive/account-room.ts';
import type { Replica } from '../replica.ts';

/** Causes that may be gone at the next start: a missing right (or login), a response that could not be understood. */
const PASSING: readonly string[] = ['EACCES', 'EIO'];
/** How often those are retried while the program runs, ms. */
const EVERY = 3_600_000;

/**
 * Changes that could not be sent and were parked, and what makes them be tried again: the user, a start, room in the
 * account, time.
 */
export class ParkedIntents {
  readonly #replica: Replica;
  readonly #wake: () => void;
  /** Bytes that were free in the account at the last query. */
  #free = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `wake` is called when there is something to send again. */
  constructor(replica: Replica, wake: () => void) {
    this.#replica = replica;
    this.#wake = wake;
  }

  start(): void {
    const tryAgain = (): void => void this.retry(({ parked }) => parked !== undefined && PASSING.includes(parked.code));
    tryAgain();
    this.#timer ??= setInterval(tryAgain, EVERY).unref();
  }

  /** Retries what matches; returns the number. */
  retry(matches: (intent: PendingIntent) => boolean = () => true): number {
    const { journal } = this.#replica;
    const found = [...journal.all()].filter((intent) => intent.parked !== undefined && matches(intent));
    for (const { parked: _parked, ...intent } of found) {
      this.#replica.submit([journal.put({ ...intent, id: this.#replica.newId() })]);
    }
    if (found.length > 0) this.#wake();
    return found.length;
  }

  /** What the quota forbade is tried again when more is free than before, as far as it fits then. */
  setQuota({ quota, used }: Pick<Quota, 'quota' | 'used'>): void {
    const before = this.#free;
    this.#free = quota - used;
    let room = this.#free;
    if (room <= before) return;
    this.retry(({ parked, node }) => {
      if (parked?.code !== 'EDQUOT') return false;
      const size = this.#replica.catalog.get(node)?.size ?? 0;
      if (size > room) return false;
      room -= size;
      return true;
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
