import { type RecoveryParts, sweepStaging } from './recovery.ts';
import type { Sweeper } from '../drive/sweeper.ts';
import type { SyncLog } from '../sync/sync-log.ts';

/** Cleans up in the background what an earlier process left. */
export class Tidying {
  readonly #parts: RecoveryParts;
  readonly #sweeper: Sweeper;
  readonly #left: readonly string[];
  readonly #log: SyncLog;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  /** `left`: the staged files that existed before anything was served. */
  constructor(parts: RecoveryParts, sweeper: Sweeper, left: readonly string[], log: SyncLog) {
    this.#parts = parts;
    this.#sweeper = sweeper;
    this.#left = left;
    this.#log = log;
  }

  start(): void {
    const staging = sweepStaging(this.#parts, this.#left, this.#stop.signal);
    this.#running = Promise.all([this.#sweeper.sweep(), staging]).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'removing leftovers failed');
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#running, this.#sweeper.close()]);
  }
}
