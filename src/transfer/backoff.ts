/** First pause after a failure, ms; it doubles with each further failure. */
const FIRST = 500;
const LONGEST = 60_000;

/** How long to wait for a cloud that cannot be reached. */
export class Backoff {
  readonly #now: () => number;
  readonly #random: () => number;
  #failures = 0;
  #until = 0;
  #since: number | undefined;
  #error: unknown;

  constructor({ now, random }: { readonly now: () => number; readonly random: () => number }) {
    this.#now = now;
    this.#random = random;
  }

  /** When to try again, ms; a time in the past means at once. */
  get until(): number {
    return this.#until;
  }

  /** When the current series of failures began, ms; `undefined` while calls succeed. */
  get since(): number | undefined {
    return this.#since;
  }

  get error(): unknown {
    return this.#error;
  }

  failed(error: unknown): void {
    const pause = Math.min(FIRST * 2 ** this.#failures, LONGEST);
    this.#failures = Math.min(this.#failures + 1, 20);
    this.#error = error;
    this.#since ??= this.#now();
    // Half fixed, half random: computers that failed together do not retry together.
    this.#until = this.#now() + pause * (0.5 + this.#random() / 2);
  }

  worked(): void {
    this.#failures = 0;
    this.#until = 0;
    this.#since = undefined;
    this.#error = undefined;
  }

  /** Something suggests that a retry would succeed now. */
  reset(): void {
    this.#failures = 0;
    this.#until = 0;
  }
}
