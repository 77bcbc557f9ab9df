/** ms of work after which the page responds to what has happened meanwhile; a task of 50 ms would be felt. */
const WORK = 12;

interface Scheduler {
  yield?(): Promise<void>;
}

/** Divides long work into pieces. */
export class Pace {
  #since = performance.now();

  /** Called between steps that are short. Lets the page respond if it has not for a while. */
  async step(): Promise<void> {
    if (performance.now() - this.#since < WORK) return;
    const { scheduler } = globalThis as { scheduler?: Scheduler };
    // A timer waits for 4 ms each time; not all browsers have the other.
    if (scheduler?.yield === undefined) await new Promise((resolve) => setTimeout(resolve));
    else await scheduler.yield();
    this.#since = performance.now();
  }
}
