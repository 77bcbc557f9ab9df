import type { ClockGuard } from './clock-guard.ts';
import type { Collector } from './collector.ts';
import type { MetaStore } from './meta/meta-store.ts';
import { forgetIntents, forgetTombstones, purgeTrash } from './purge.ts';

export interface JobsOptions {
  readonly meta: MetaStore;
  /** While it doubts the time, nothing is removed. */
  readonly clock: ClockGuard;
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

  /** An administrator says that the computer's clock is right; a round follows. */
  async confirmClock(): Promise<void> {
    this.#round = this.#round.then(async () => this.#options.clock.confirm());
    await this.#round;
    await this.run();
  }

  /** Waits for the step that runs. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#round;
  }

  async #attempt(): Promise<void> {
    const { meta, clock, collector, failed } = this.#options;
    const { signal } = this.#stop;
    if (signal.aborted) return;
    try {
      const now = await clock.check();
      if (now === undefined) return;
      await purgeTrash(meta, now, signal);
      await forgetTombstones(meta, now, signal);
      await forgetIntents(meta, now);
      await collector.run(signal);
    } catch (error) {
      failed(error);
    }
  }
}
