import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
/** ms of running at a new time after which it is believed. */
const CONFIRMED_AFTER = DAY;
/** ms that may lie between two runs at a new time. */
const PAUSE = 8 * DAY;

export interface ClockGuardOptions {
  /** Where what is known is kept. */
  readonly file: string;
  readonly now: Clock;
  /** ms of a clock that never jumps; it may stand still while the computer sleeps. */
  readonly elapsed: () => number;
  readonly warn: (details: object, message: string) => void;
}

export interface ClockState {
  /** The time that is believed, ms since 1970 UTC. */
  readonly believed: number;
  /** A time that differs from it by more than a day, and for how many ms the service has run at it. */
  readonly doubted?: { readonly time: number; readonly confirmed: number };
}

/**
 * Whether the computer's clock may be believed where data would be removed by it. A jump of more than a day, while running or
 * since the last run, is doubted until the service has run for a day at the new time (in one run or several), or an
 * administrator says that it is right. A service that was off for longer waits for that day, too. A clock that comes back
 * is believed at once. Calls must not overlap.
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

  /** Without a file, or with one that is damaged, the present time is believed. */
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

  /** The time now, or `undefined` while it is doubted. */
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

  /** An administrator says that the clock is right. */
  async confirm(): Promise<void> {
    this.#last = this.#options.elapsed();
    await this.#keep({ believed: this.#options.now() });
  }

  /** For how long the service has run at a time like this one; `undefined` if it is a new one. */
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

/** Also of a time that no date can hold. */
function readable(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}
