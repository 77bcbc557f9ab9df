/** A thread that handles requests in order. */
interface Handling {
  /** The number of the request that is handled; undefined if there is none. */
  readonly current: number | undefined;
}

/** For how long one of some threads has been at the same request: its disk does not answer. */
export class Silence {
  readonly #threads: readonly Handling[];
  readonly #period: number;
  readonly #seen: { current: number | undefined; looks: number }[];

  /** @param period ms between two calls of `look` */
  constructor(threads: readonly Handling[], period: number) {
    this.#threads = threads;
    this.#period = period;
    this.#seen = threads.map(() => ({ current: undefined, looks: 0 }));
  }

  /** @returns ms */
  look(): number {
    for (const [i, { current }] of this.#threads.entries()) {
      const before = this.#seen[i];
      const isSame = current !== undefined && before?.current === current;
      this.#seen[i] = { current, looks: isSame ? before.looks + 1 : 0 };
    }
    return Math.max(...this.#seen.map(({ looks }) => looks)) * this.#period;
  }
}
