/**
 * Collects socket writes of one turn of the event loop, and runs them at the end of the turn. Each write wakes the
 * client's process, which takes longer than most requests; a client that is already awake costs less.
 */
export class Outbox {
  #waiting: (() => void)[] = [];

  /** `write` must not throw. */
  add(write: () => void): void {
    if (this.#waiting.push(write) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const write of waiting) write();
  }
}
