import type { Awaitable } from '../../../vfs/context.ts';

/** Counts what is under way. */
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

  /** Answered when nothing is. */
  async over(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** Work that has begun and is not done. */
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

  /** Answered when what has begun before is done, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#work);
  }
}

/** Lets work of a kind be done by one at a time. */
export class OneAtATime {
  #running: Promise<unknown> | undefined;

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Answered when nobody works. */
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
