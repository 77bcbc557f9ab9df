import { setMaxListeners } from 'node:events';
import type { Context } from '../../vfs/context.ts';
import { asFsError } from '../../vfs/fs-error.ts';

interface Waiter {
  readonly exclusive: boolean;
  readonly start: () => void;
}

/** A lock for many readers or one writer, granted in the order of the calls. */
export class SharedLock {
  readonly #queue: Waiter[] = [];
  #readers = 0;
  #writing = false;

  /** True if synchronous work may read, or with `exclusive` write, without waiting. */
  isFree(exclusive: boolean): boolean {
    return !this.#writing && this.#queue.length === 0 && (!exclusive || this.#readers === 0);
  }

  /** @throws EINTR if aborted before its turn */
  async run<T>(exclusive: boolean, context: Context, work: () => Promise<T>): Promise<T> {
    if (this.isFree(exclusive)) this.#enter(exclusive);
    // The signal is only used here, as some contexts create it on first use.
    else await this.#turn(exclusive, context.signal);
    try {
      return await work();
    } finally {
      if (exclusive) this.#writing = false;
      else this.#readers--;
      this.#next();
    }
  }

  #enter(exclusive: boolean): void {
    if (exclusive) this.#writing = true;
    else this.#readers++;
  }

  #turn(exclusive: boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject(asFsError(signal.reason, 'wait'));
        this.#next();
      };
      const start = (): void => {
        signal.removeEventListener('abort', abort);
        this.#enter(exclusive);
        resolve();
      };
      const waiter = { exclusive, start };
      this.#queue.push(waiter);
      if (signal.aborted) return abort();
      setMaxListeners(0, signal);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  #next(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (this.#writing || (first.exclusive && this.#readers > 0)) return;
      this.#queue.shift();
      first.start();
    }
  }
}
