import type { Collector } from './collector.ts';
import type { MetaStore } from './meta/meta-store.ts';
import { forgetIntents, forgetTombstones, purgeTrash } from './purge.ts';

export interface JobsOptions {
  readonly meta: MetaStore;
  readonly collector: Collector;
  /** ms between two rounds. */
  readonly every: number;
  readonly failed: (error: unknown) => void;
}

/** The housekeeping: at start, then once in a while. Rounds do not overlap. */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#round = this.#attempt();
    this.#timer = setInterval(() => void this.run(), this.#options.every);
    this.#timer.unref();
  }

  /** One round, after the one that runs. A failure is reported and ends this round only. */
  async run(): Promise<void> {
    this.#round = this.#round.then(async () => this.#attempt());
    await this.#round;
  }

  /** Waits for the step that runs. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#round;
  }

  async #attempt(): Promise<void> {
    const { meta, collector, failed } = this.#options;
    const { signal } = this.#stop;
    if (signal.aborted) return;
    try {
      await purgeTrash(meta, signal);
      await forgetTombstones(meta, signal);
      await forgetIntents(meta);
      await collector.run(signal);
    } catch (error) {
      failed(error);
    }
  }
}
