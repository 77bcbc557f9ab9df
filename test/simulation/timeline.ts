const turn = setImmediate;

/** An event at a certain time, unless it is cancelled. */
export interface Planned {
  at: number;
  readonly order: number;
  readonly run: () => void;
  /** A description for failure reports. */
  readonly what: string;
}

/** Virtual time without real waiting: planned events happen in the order of their times, one at a time. */
export class Timeline {
  /** ms since 1970 */
  now: number;
  /** How far the clocks that people set are ahead of it, ms. */
  skew = 0;
  /** The events, sorted by time, the earliest last. */
  readonly #plans: Planned[] = [];
  #count = 0;

  constructor(now: number) {
    this.now = now;
  }

  get pending(): readonly Planned[] {
    return this.#plans;
  }

  /** Number of events that have happened or been planned. */
  get count(): number {
    return this.#count;
  }

  plan(delay: number, what: string, run: () => void): Planned {
    const planned = { at: this.now + Math.max(0, delay), order: this.#count++, run, what };
    let low = 0;
    for (let high = this.#plans.length; low < high;) {
      const middle = (low + high) >> 1;
      const other = this.#plans[middle] as Planned;
      if (other.at > planned.at) low = middle + 1;
      else high = middle;
    }
    this.#plans.splice(low, 0, planned);
    return planned;
  }

  cancel(planned: Planned): void {
    const place = this.#plans.indexOf(planned);
    if (place >= 0) this.#plans.splice(place, 1);
  }

  has(planned: Planned): boolean {
    return this.#plans.includes(planned);
  }

  /** Resolves when everything has run that needs no further time. */
  async settle(): Promise<void> {
    await new Promise((resolve) => turn(resolve));
  }

  /** Runs the next event if it is due by `until`; false if it is not. */
  async step(until = Infinity): Promise<boolean> {
    const next = this.#plans.at(-1);
    if (next === undefined || next.at > until) {
      if (until !== Infinity) this.now = Math.max(this.now, until);
      return false;
    }
    this.#plans.pop();
    this.now = Math.max(this.now, next.at);
    next.run();
    await this.settle();
    return true;
  }

  async wait(ms: number): Promise<void> {
    const until = this.now + ms;
    while (await this.step(until));
  }
}
