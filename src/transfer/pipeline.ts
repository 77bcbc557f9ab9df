import PQueue from 'p-queue';

/**
 * Runs jobs with two stages: first stages run concurrently, second stages one after another, in the order in which the
 * jobs were started. So contents are sent while others are being committed, and the order is kept.
 */
export class Pipeline {
  readonly #limit: number;
  readonly #second = new PQueue({ concurrency: 1 });

  /** @param limit most concurrent jobs, two or more */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether another job may be started. */
  get hasRoom(): boolean {
    return this.#second.size + this.#second.pending < this.#limit;
  }

  /** Resolves when both stages are done. @throws what a stage threw; later jobs are not affected */
  async run<T>(first: () => Promise<T>, second: (result: T) => Promise<void>): Promise<void> {
    const begun = first();
    // It is awaited later; until then a rejection must not count as unhandled.
    begun.catch(() => undefined);
    await this.#second.add(async () => second(await begun));
  }

  /** Resolves when another job may be started. */
  async room(): Promise<void> {
    while (!this.hasRoom) await this.#second.onSizeLessThan(this.#limit - 1);
  }

  /** Resolves when no job is in progress. */
  async idle(): Promise<void> {
    await this.#second.onIdle();
  }
}
