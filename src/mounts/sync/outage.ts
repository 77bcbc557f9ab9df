import { isFsError } from '../../vfs/fs-error.ts';

/** How long the cloud must have been out of reach before reads fail early, ms: shorter failures are waited out. */
const KNOWN_AFTER = 3000;
/** After a failure no read looks whether the cloud is back for so long, ms. */
const PROBE_EVERY = 1000;

/** Whether the cloud is known to be out of reach: what the follower and reads of content have found last. */
export class Outage {
  readonly #now: () => number;
  #since: number | undefined;
  #error: unknown;
  /** When a call was last begun or has failed. */
  #probed = -Infinity;

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
    this.#probed = this.#now();
    this.#error = error;
  }

  /**
   * How a call is to be made: `ordinary`, with all its retries; as a `probe`, which gives up soon; or not at all.
   * @throws the last failure in the last case
   */
  enter(): 'ordinary' | 'probe' {
    const now = this.#now();
    // A clock that was set back must not end all calls.
    if (this.#since === undefined || now - this.#since < KNOWN_AFTER) return 'ordinary';
    if (now >= this.#probed && now - this.#probed < PROBE_EVERY) throw this.#error;
    this.#probed = now;
    return 'probe';
  }

  /** The last failure, while the cloud is out of reach. */
  get error(): unknown {
    return this.#error;
  }
}
