import { isFsError } from '../../vfs/fs-error.ts';

/** How long the cloud must have been out of reach before reads fail early, ms: shorter failures are waited out. */
const KNOWN_AFTER = 3000;
/** The longest time after a failed probe in which no read probes again, ms. */
const LONGEST_PAUSE = 1000;

/** Whether the cloud is known to be out of reach: what the follower and reads of content have found last. */
export class Outage {
  readonly #now: () => number;
  #since: number | undefined;
  #error: unknown;
  /** When a probe last failed, and how long it had taken, ms. */
  #probed = { at: -Infinity, took: 0 };

  constructor(now: () => number) {
    this.#now = now;
  }

  worked(): void {
    this.#since = undefined;
    this.#error = undefined;
  }

  /** `began`: when the call was made, ms. Other failures than that of the connection say nothing. */
  failed(error: unknown, began: number = this.#now()): void {
    if (!isFsError(error, 'EAGAIN') && !isFsError(error, 'ETIMEDOUT')) return;
    this.#since ??= began;
    this.#error = error;
  }

  /**
   * A probe that began at `began` has failed. No other is made for as long as it took: at most half of the time is spent on
   * probes of a cloud that is silent, and one that refuses connections is probed by every read, so that the first read after it
   * is back succeeds.
   */
  probeFailed(began: number): void {
    const at = this.#now();
    this.#probed = { at, took: Math.min(at - began, LONGEST_PAUSE) };
  }

  /**
   * How a call is to be made: `ordinary`, with all its retries; as a `probe`, without any and for a short time; or not at all.
   * @throws the last failure in the last case
   */
  enter(): 'ordinary' | 'probe' {
    const now = this.#now();
    // A clock that was set back must not end all calls.
    if (this.#since === undefined || now - this.#since < KNOWN_AFTER) return 'ordinary';
    const { at, took } = this.#probed;
    if (now >= at && now - at < took) throw this.#error;
    return 'probe';
  }

  /** The last failure, while the cloud is out of reach. */
  get error(): unknown {
    return this.#error;
  }
}
