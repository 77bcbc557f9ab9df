/**
 * Gathers what is to be written to sockets in one turn of the event loop and writes all of it at the end of the turn. Each
 * write wakes the client, which takes longer than most answers; one that is awake already needs no waking.
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
