import { setMaxListeners } from 'node:events';
import { asFsError } from '../../vfs/fs-error.ts';

/**
 * The load of a block into memory, from the disk or the source, or from the source to the disk, shared by all callers that
 * want the block. Each can give up independently; the load continues while at least one is interested.
 */
export class SingleFlight {
  readonly #promise: Promise<Uint8Array | undefined>;
  #resolve!: (data: Uint8Array | undefined) => void;
  #reject!: (error: unknown) => void;
  #waiting = 0;
  #interested = 0;
  #abandoned: (() => void) | undefined;
  #settled = false;

  constructor() {
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // No caller handles an error of read-ahead.
    this.#promise.catch(() => undefined);
  }

  /** True while a caller is waiting. */
  get isUrgent(): boolean {
    return this.#waiting > 0;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Calls `listener` when the last interested caller has given up. */
  onAbandoned(listener: () => void): void {
    this.#abandoned = listener;
  }

  /** Calls `listener` when the flight has ended, well or not. */
  onSettled(listener: () => void): void {
    this.#promise.then(listener, listener);
  }

  /** Resolves when the flight has ended; does not make it urgent. @throws the error of the fetch */
  async ended(): Promise<void> {
    await this.#promise;
  }

  /** `undefined` for a block that is on the disk only. */
  land(data: Uint8Array | undefined): void {
    this.#settled = true;
    this.#resolve(data);
  }

  fail(error: unknown): void {
    this.#settled = true;
    this.#reject(error);
  }

  /** Adds interest without waiting, for read-ahead. Returns a function that ends it. */
  join(): () => void {
    this.#interested++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      if (--this.#interested === 0 && !this.#settled) this.#abandoned?.();
    };
  }

  /**
   * Resolves to the block, or to undefined if it is only on the disk. @throws the error of the fetch; EINTR when aborted,
   * which ends only this wait
   */
  async wait(signal: AbortSignal, op: string): Promise<Uint8Array | undefined> {
    const leave = this.join();
    this.#waiting++;
    try {
      return await raceAbort(this.#promise, signal, op);
    } finally {
      this.#waiting--;
      leave();
    }
  }
}

/** Settles like the promise, unless the signal aborts first. @throws EINTR when aborted */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal, op: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(asFsError(signal.reason, op));
    if (signal.aborted) return abort();
    // A signal may have a thousand waits, which is not a leak.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
