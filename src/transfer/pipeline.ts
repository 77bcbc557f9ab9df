import PQueue from 'p-queue';

/**
 * Runs jobs of two stages: the first stages beside each other, the second ones one after the other in the order in which
 * the jobs were begun. So contents are sent while others are being committed, and nothing overtakes anything.
 */
export class Pipeline {
  readonly #limit: number;
  readonly #second = new PQueue({ concurrency: 1 });

  /** @param limit jobs that may be under way at a time, two or more */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether another job may be begun. */
  get hasRoom(): boolean {
    return this.#second.size + this.#second.pending < this.#limit;
  }

  /** Resolves when both stages are done. @throws what a stage threw: jobs that were begun later go on */
  async run<T>(first: () => Promise<T>, second: (result: T) => Promise<void>): Promise<void> {
    const begun = first();
    // It is awaited when its turn comes; until then it must not count as unhandled.
    begun.catch(() => undefined);
    await this.#second.add(async () => second(await begun));
  }

  /** Resolves when another job may be begun. */
  async room(): Promise<void> {
    while (!this.hasRoom) await this.#second.onSizeLessThan(this.#limit - 1);
  }

  /** Resolves when no job is under way. */
  async idle(): Promise<void> {
    await this.#second.onIdle();
  }
}
