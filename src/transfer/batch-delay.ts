/** Intents in a batch that indicate a program making many changes, one after the other. */
const MANY = 4;
/** The program counts as finished when it has made no change for this long, ms. */
const QUIET = 100;
/** After this long a batch is sent anyway, ms. */
const LONGEST = 3000;

/**
 * When to send while a program makes many changes: `tar`, `git clone`, `cp -r`. Sending takes CPU time that the program
 * needs, and a batch costs much the same for ten intents as for five hundred; the first of a thousand files is not
 * urgent. So after a batch of several intents the next is sent when the program pauses, or after a while. A single
 * change is sent at once.
 */
export class BatchDelay {
  #until = 0;
  /** The newest intent, and when it was first seen, ms. */
  #last = 0;
  #at = 0;

  /** Milliseconds until the next batch may be sent. `last`: the newest intent. Times are from one monotonic clock. */
  wait(last: number, now: number): number {
    if (last !== this.#last) {
      this.#last = last;
      this.#at = now;
    }
    return Math.max(0, Math.min(this.#until, this.#at + QUIET) - now);
  }

  /** A batch of this many intents is sent now. */
  sent(intents: number, now: number): void {
    this.#until = intents < MANY ? 0 : now + LONGEST;
  }
}
