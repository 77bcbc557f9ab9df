import { setMaxListeners } from 'node:events';
import { asFsError } from '../../vfs/fs-error.ts';

/**
 * A block on its way into memory, from the disk or from the source, or from the source to the disk, with everybody who wants it.
 * Each can give up on its own; it goes on while one of them is interested.
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
    // Read-ahead has nobody who looks at the error.
    this.#promise.catch(() => undefined);
  }

  /** True while somebody waits. */
  get isUrgent(): boolean {
    return this.#waiting > 0;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Calls `listener` when the last one who was interested has gone. */
  onAbandoned(listener: () => void): void {
    this.#abandoned = listener;
  }

  /** Calls `listener` when the flight has ended, well or not. */
  onSettled(listener: () => void): void {
    this.#promise.then(listener, listener);
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

  /** Interest without waiting, as a read-ahead has. Returns the way to lose it. */
  join(): () => void {
    this.#interested++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      if (--this.#interested === 0 && !this.#settled) this.#abandoned?.();
    };
  }

  /** The block, unless it is on the disk only. @throws the error of the fetch; EINTR when aborted, which ends this wait only */
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

/** The promise, unless the signal aborts first. @throws EINTR */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal, op: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(asFsError(signal.reason, op));
    if (signal.aborted) return abort();
    // One signal may stop a thousand waits; that is no leak.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
