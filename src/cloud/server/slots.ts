import { Refusal } from './refusal.ts';

/** Limits how many calls run at the same time; a limited number of others wait in order. */
export class Slots {
  readonly #size: number;
  readonly #queue: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param queue how many may wait */
  constructor(size: number, queue: number) {
    this.#size = size;
    this.#queue = queue;
  }

  get isFull(): boolean {
    return this.#running >= this.#size && this.#waiting.length >= this.#queue;
  }

  /** @throws unavailable at once if too many calls are already waiting */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.isFull)
      throw new Refusal('unavailable', 'too many requests of this kind at the same time; try again in a moment', {
        retryAfter: 1,
      });
    if (this.#running < this.#size) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The next waiting call takes over the slot.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
