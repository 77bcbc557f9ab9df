import PQueue from 'p-queue';
import type { ClockGuard } from './clock-guard.ts';
import type { Collector } from './collector.ts';
import { forgetLinks } from './meta/links.ts';
import type { MetaStore } from './meta/meta-store.ts';
import { forgetIdleBlocks } from './meta/space-blocks.ts';
import { forgetStamps } from './meta/stamps.ts';
import { forgetIntents, forgetTombstones, purgeTrash, TOMBSTONES_KEPT } from './purge.ts';

/** How long a block that was uploaded for a shared space is known in it without being used, ms. */
const IDLE_KEPT = 24 * 60 * 60 * 1000;

export interface JobsOptions {
  readonly meta: MetaStore;
  /** Nothing is removed while it doubts the time. */
  readonly clock: ClockGuard;
  readonly collector: Collector;
  /** ms between two rounds. */
  readonly every: number;
  /** ms between two checks of how much is unreferenced. */
  readonly relieveEvery: number;
  readonly failed: (error: unknown) => void;
}

/**
 * Runs the housekeeping at start and then periodically, and removes large amounts of unreferenced blocks sooner. Rounds
 * do not overlap.
 */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #stop = new AbortController();
  #timers: readonly NodeJS.Timeout[] = [];
  readonly #rounds = new PQueue({ concurrency: 1 });

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  start(): void {
    const { every, relieveEvery } = this.#options;
    void this.run();
    this.#timers = [
      setInterval(() => void this.run(), every).unref(),
      setInterval(() => void this.#add(this.#relief), relieveEvery).unref(),
    ];
  }

  /** Runs one round, after the current one if there is one. A failure is reported and ends only this round. */
  async run(): Promise<void> {
    await this.#add(this.#all);
  }

  /** Trusts the system clock on behalf of an administrator, then runs a round. */
  async confirmClock(): Promise<void> {
    await this.#rounds.add(async () => this.#options.clock.confirm());
    await this.run();
  }

  /** Stops after the current step. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#stop.abort();
    await this.#rounds.onIdle();
  }

  async #add(work: Work): Promise<void> {
    await this.#rounds.add(async () => this.#attempt(work));
  }

  readonly #all: Work = async ({ meta, clock, collector }, signal) => {
    const now = await clock.check();
    if (now === undefined) return;
    await purgeTrash(meta, now, signal);
    await forgetTombstones(meta, now, signal);
    await forgetIntents(meta, now);
    await forgetLinks(meta.db, now);
    await forgetIdleBlocks(meta.db, now - IDLE_KEPT);
    await forgetStamps(meta.db, now - TOMBSTONES_KEPT);
    await collector.run(signal);
  };

  /** Selects blocks by order and size only, so it does not depend on the clock. */
  readonly #relief: Work = async ({ collector }, signal) => {
    await collector.relieve(signal);
  };

  async #attempt(work: Work): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    try {
      await work(this.#options, signal);
    } catch (error) {
      this.#options.failed(error);
    }
  }
}

type Work = (options: JobsOptions, signal: AbortSignal) => Promise<void>;
