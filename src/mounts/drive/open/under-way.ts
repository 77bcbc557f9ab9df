import type { Awaitable } from '../../../vfs/context.ts';

/** Counts running operations. */
export class UnderWay {
  #count = 0;
  #waiting: (() => void)[] = [];

  get any(): boolean {
    return this.#count > 0;
  }

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when none is running. */
  async over(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** Operations that have begun and are not finished. */
export class Outstanding {
  readonly #work = new Set<Promise<unknown>>();

  get any(): boolean {
    return this.#work.size > 0;
  }

  track<T>(work: Awaitable<T>): Awaitable<T> {
    if (!(work instanceof Promise)) return work;
    this.#work.add(work);
    const done = (): void => void this.#work.delete(work);
    work.then(done, done);
    return work;
  }

  /** Resolves when all that had begun before have finished, successfully or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#work);
  }
}

/** Runs operations one at a time. */
export class OneAtATime {
  #running: Promise<unknown> | undefined;

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves when none is running. */
  async over(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.over();
    const running = work();
    this.#running = running.catch(() => undefined);
    try {
      return await running;
    } finally {
      this.#running = undefined;
    }
  }
}
