/** Intents in a batch that tell of a program that makes many changes, one behind the other. */
const MANY = 4;
/** The program is done with them when it has promised nothing for so long, ms. */
const QUIET = 100;
/** After so long a batch is sent all the same, ms. */
const LONGEST = 3000;

/**
 * When to send while a program makes many changes: `tar`, `git clone`, `cp -r`. Sending takes the time that the program
 * would need, and a batch costs much the same for ten intents as for five hundred; nobody waits for the first of a
 * thousand files. So a batch of several is followed by the next when the program pauses, or after a while. A single change
 * is sent at once.
 */
export class BatchDelay {
  #until = 0;
  /** The newest promise, and when it was first seen, ms. */
  #last = 0;
  #at = 0;

  /** In how many ms the next batch may go. `last`: the newest promise. Times are of one clock that only goes on, ms. */
  wait(last: number, now: number): number {
    if (last !== this.#last) {
      this.#last = last;
      this.#at = now;
    }
    return Math.max(0, Math.min(this.#until, this.#at + QUIET) - now);
  }

  /** A batch of so many intents goes now. */
  sent(intents: number, now: number): void {
    this.#until = intents < MANY ? 0 : now + LONGEST;
  }
}
