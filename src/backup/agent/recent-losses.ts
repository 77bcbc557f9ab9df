/** Ms for which what was replaced or removed counts as one event with what comes after it. */
const WINDOW = 3_600_000;

/** How many files of a mirror were replaced or removed within the last hour. */
export class RecentLosses {
  readonly #now: () => number;
  #losses: { readonly at: number; readonly files: number }[] = [];

  /** @param now ms of a clock that never steps back */
  constructor(now: () => number) {
    this.#now = now;
  }

  get files(): number {
    const since = this.#now() - WINDOW;
    this.#losses = this.#losses.filter(({ at }) => at > since);
    return this.#losses.reduce((sum, { files }) => sum + files, 0);
  }

  add(files: number): void {
    if (files > 0) this.#losses.push({ at: this.#now(), files });
  }

  clear(): void {
    this.#losses = [];
  }
}
