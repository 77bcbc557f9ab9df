import type { MessagePort } from 'node:worker_threads';
import type { Allowance, Lane, TokenBucket } from './token-bucket.ts';

/** From the thread: bytes that wait for permission, or that are not wanted any more. */
type Asked = { readonly id: number; readonly bytes: number; readonly lane: Lane } | { readonly dropped: number };

/** Lets a thread take from the bucket of this one. The port does not keep the process alive. */
export function lend(bucket: Allowance, port: MessagePort): void {
  const waiting = new Map<number, AbortController>();
  port.on('message', (asked: Asked) => {
    if ('dropped' in asked) return waiting.get(asked.dropped)?.abort();
    const { id, bytes, lane } = asked;
    const stop = new AbortController();
    waiting.set(id, stop);
    const taken = bucket.take(bytes, lane, stop.signal) ?? Promise.resolve();
    taken
      .then(
        () => port.postMessage(id, []),
        () => undefined,
      )
      .finally(() => waiting.delete(id));
  });
  port.on('close', () => {
    for (const stop of waiting.values()) stop.abort();
  });
  port.unref();
}

/** On another thread: takes from the bucket that is lent over a port. */
export class BorrowedAllowance implements Allowance {
  readonly #port: MessagePort;
  readonly #limit: TokenBucket['limit'];
  readonly #granted = new Map<number, () => void>();
  #last = 0;

  /** @param limit of the bucket: without one nothing is asked */
  constructor(port: MessagePort, limit: TokenBucket['limit']) {
    this.#port = port;
    this.#limit = limit;
    port.on('message', (id: number) => this.#granted.get(id)?.());
    port.unref();
  }

  get rate(): number | undefined {
    const limit = Atomics.load(this.#limit, 0);
    return limit === 0 ? undefined : limit * 1024;
  }

  take(bytes: number, lane: Lane, signal: AbortSignal): Promise<void> | undefined {
    if (this.rate === undefined) return undefined;
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const id = (this.#last += 1);
    return new Promise((resolve, reject) => {
      const drop = (): void => {
        this.#granted.delete(id);
        this.#port.postMessage({ dropped: id } satisfies Asked, []);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', drop, { once: true });
      this.#granted.set(id, () => {
        this.#granted.delete(id);
        signal.removeEventListener('abort', drop);
        resolve();
      });
      this.#port.postMessage({ id, bytes, lane } satisfies Asked, []);
    });
  }
}
