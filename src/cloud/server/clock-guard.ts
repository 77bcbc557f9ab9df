import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
/** How long the service must run at a new time before it is trusted, ms. */
const CONFIRMED_AFTER = DAY;
/** Longest pause between two runs that count together, ms. */
const PAUSE = 8 * DAY;

export interface ClockGuardOptions {
  /** Path of the file that keeps the guard's state. */
  readonly file: string;
  readonly now: Clock;
  /** Monotonic clock, ms; it may stand still while the computer sleeps. */
  readonly elapsed: () => number;
  readonly warn: (details: object, message: string) => void;
}

export interface ClockState {
  /** The last trusted time, ms since 1970 UTC. */
  readonly believed: number;
  /** A clock time that differs from it by more than a day, and how long the service has run at that time, ms. */
  readonly doubted?: { readonly time: number; readonly confirmed: number };
}

/**
 * Decides whether the system clock is trusted when data is removed by age. After a jump of more than a day, during a
 * run or since the last one, the clock is doubted until the service has run for a day at the new time (in one run or
 * several) or an administrator confirms it. A service that was off for more than a day waits in the same way. A clock
 * that returns to the old time is trusted at once. Calls must not overlap.
 */
export class ClockGuard {
  readonly #options: ClockGuardOptions;
  #state: ClockState;
  #last: number;
  #hasWarned = false;

  private constructor(options: ClockGuardOptions, state: ClockState) {
    this.#options = options;
    this.#state = state;
    this.#last = options.elapsed();
  }

  /** If the file is missing or damaged, the present time is trusted. */
  static async open(options: ClockGuardOptions): Promise<ClockGuard> {
    const text = await readFile(options.file, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    });
    return new ClockGuard(options, parse(text) ?? { believed: options.now() });
  }

  get state(): ClockState {
    return this.#state;
  }

  /** Resolves to the current time, or to `undefined` while it is doubted. */
  async check(): Promise<number | undefined> {
    const { now, elapsed, warn } = this.#options;
    const [time, run] = [now(), elapsed() - this.#last];
    this.#last += run;
    const expected = this.#state.believed + run;
    if (Math.abs(time - expected) <= DAY) await this.#keep({ believed: time });
    else {
      const confirmed = this.#confirmed(time, run);
      if (confirmed === undefined || !this.#hasWarned) {
        this.#hasWarned = true;
        const details = { believed: new Date(expected).toISOString(), now: readable(time) };
        warn(details, 'the clock has jumped: nothing is purged until the new time is confirmed (`fjord cloud clock`)');
      }
      if (confirmed !== undefined && confirmed >= CONFIRMED_AFTER) await this.#keep({ believed: time });
      else await this.#keep({ believed: expected, doubted: { time, confirmed: confirmed ?? 0 } });
    }
    return this.#state.doubted === undefined ? time : undefined;
  }

  /** Trusts the present time, on behalf of an administrator. */
  async confirm(): Promise<void> {
    this.#last = this.#options.elapsed();
    await this.#keep({ believed: this.#options.now() });
  }

  /** How long the service has run at this doubted time, ms; `undefined` if it jumped to this time just now. */
  #confirmed(time: number, run: number): number | undefined {
    const { doubted } = this.#state;
    if (doubted === undefined) return undefined;
    const gap = time - (doubted.time + run);
    return gap >= -HOUR && gap <= PAUSE ? doubted.confirmed + run : undefined;
  }

  async #keep(state: ClockState): Promise<void> {
    this.#state = state;
    const { file } = this.#options;
    await writeFile(`${file}.tmp`, JSON.stringify(state), { mode: 0o600, flush: true });
    await rename(`${file}.tmp`, file);
  }
}

function parse(text: string): ClockState | undefined {
  try {
    const { believed, doubted } = JSON.parse(text) as Partial<ClockState>;
    if (!Number.isFinite(believed) || believed === undefined) return undefined;
    if (!Number.isFinite(doubted?.time) || !Number.isFinite(doubted?.confirmed)) return { believed };
    return { believed, ...(doubted === undefined ? {} : { doubted }) };
  } catch {
    return undefined;
  }
}

/** The time as text, also if it is outside the range of `Date`. */
function readable(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}
