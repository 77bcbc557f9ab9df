import { MAX_INTENTS } from '../cloud/limits.ts';
import type { Intent, IntentResult } from '../cloud/records.ts';
import type { Remote } from '../cloud/remote.ts';
import type { Context } from '../vfs/context.ts';
import { Signal } from './signal.ts';

/** Most bytes of block lists in a request; the list of a very large file is sent alone. */
const LIST_BYTES = 1024 * 1024;
/** Number of pending changes above which `room` waits. */
const WAITING = 4 * MAX_INTENTS;
/** How long a batch that is not full waits for more, ms: a batch costs the cloud much the same for ten changes as for all. */
const LINGER = 50;

export interface CommitQueueOptions<Queued> {
  readonly remote: Pick<Remote, 'commit'>;
  readonly context: Context;
  /**
   * Called with each batch and its results, in the same order, one batch after the other, while the next one is being
   * committed. What it throws ends the queue.
   */
  readonly settle: (batch: readonly Queued[], results: readonly IntentResult[]) => Promise<void>;
}

/**
 * Sends changes in the order in which they were added, in batches: while one is being committed the next one gathers. A batch
 * that is not full waits a little for more, unless `flush` is waited for. After a failure nothing more is sent. Its owner keeps what the changes were made from, so nothing is lost with the queue.
 */
export class CommitQueue<Queued extends { readonly intent: Intent }> {
  readonly #options: CommitQueueOptions<Queued>;
  readonly #queue: Queued[] = [];
  readonly #waiters: (() => void)[] = [];
  readonly #wanted = new Signal();
  #flushing = 0;
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: CommitQueueOptions<Queued>) {
    this.#options = options;
  }

  add(change: Queued): void {
    this.#queue.push(change);
    if (this.#queue.length >= MAX_INTENTS) this.#wanted.wake();
    if (this.#failure === undefined) this.#running ??= this.#run();
  }

  /** Resolves when not too many changes are pending. @throws what stopped the queue */
  async room(): Promise<void> {
    while (this.#running !== undefined && this.#queue.length > WAITING) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Resolves when everything added so far is settled. @throws what stopped the queue */
  async flush(): Promise<void> {
    this.#flushing++;
    this.#wanted.wake();
    while (this.#running !== undefined) await this.#running;
    this.#flushing--;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #run(): Promise<void> {
    let settled = Promise.resolve();
    try {
      // What is added in the same turn goes in the same batch.
      await Promise.resolve();
      while (this.#queue.length > 0) {
        await this.#linger();
        const batch = this.#take();
        this.#wake();
        const results = await this.#commit(batch);
        await settled;
        settled = this.#options.settle(batch, results);
        // It is awaited later; until then a rejection must not count as unhandled.
        settled.catch(() => undefined);
        if (this.#queue.length === 0) await settled;
      }
    } catch (error) {
      this.#failure = { error };
      await settled.catch(() => undefined);
    }
    this.#running = undefined;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  async #linger(): Promise<void> {
    const end = performance.now() + LINGER;
    while (this.#queue.length < MAX_INTENTS && this.#flushing === 0) {
      const left = end - performance.now();
      if (left <= 0) return;
      await this.#wanted.wait(left, this.#options.context.signal);
      this.#options.context.signal.throwIfAborted();
    }
  }

  async #commit(batch: readonly Queued[]): Promise<IntentResult[]> {
    const { remote, context } = this.#options;
    const intents = batch.map(({ intent }) => intent);
    return await remote.commit(intents, context);
  }

  #take(): Queued[] {
    let count = 0;
    for (let bytes = 0; count < Math.min(MAX_INTENTS, this.#queue.length); count++) {
      bytes += listBytes((this.#queue[count] as Queued).intent);
      if (bytes > LIST_BYTES && count > 0) break;
    }
    return this.#queue.splice(0, count);
  }
}

function listBytes(intent: Intent): number {
  return intent.op === 'put' && 'blocks' in intent.content ? intent.content.blocks.length : 0;
}
