/**
 * What bytes are for: `first` is what a program waits for, `drive` uploads of the drive, `backup` bulk transfers of backups.
 * `first` goes before the others, which share evenly what is left.
 */
export type Lane = 'first' | 'drive' | 'backup';

/** Permission to transfer bytes. */
export interface Allowance {
  /** Bytes per second; `undefined` without a limit. */
  readonly rate: number | undefined;
  /**
   * `undefined` if they may pass at once; otherwise a promise that resolves when they may, and is rejected with the reason of
   * the signal when that aborts. Within a lane the lowest turn goes first; without one, it is the next.
   */
  take(bytes: number, lane: Lane, signal: AbortSignal, turn?: number): Promise<void> | undefined;
}

/** A clock that never steps, and timers on it; ms. */
export interface Timers {
  readonly now: () => number;
  /** Returns a function that cancels it. */
  readonly after: (ms: number, run: () => void) => () => void;
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

interface Waiting {
  readonly bytes: number;
  readonly turn: number;
  readonly grant: () => void;
}

/** How long an idle line saves its bandwidth up, ms. */
const BURST = 100;
/** Slices that a limited line sends in a second, and how small and large they are at most, bytes. */
const SLICES = 20;
const SMALLEST = 1024;
const LARGEST = 64 * 1024;
/** Of a line without a limit. */
const UNLIMITED = 256 * 1024;

/**
 * The bandwidth of one direction. Bytes pass while the bucket is not empty and may leave it in debt, so that a chunk of any size
 * passes; the next ones wait until the debt is paid.
 */
export class TokenBucket implements Allowance {
  /** KiB per second, 0 without a limit; other threads can read it. */
  readonly limit = new Int32Array(new SharedArrayBuffer(4));
  readonly #timers: Timers;
  readonly #queues: Readonly<Record<Lane, Waiting[]>> = { first: [], drive: [], backup: [] };
  /** Bytes that passed in each of the lanes that share, since both began. */
  readonly #served = { drive: 0, backup: 0 };
  #rate: number | undefined;
  #tokens = 0;
  #at: number;
  #turns = 0;
  #cancel: (() => void) | undefined;

  constructor(timers: Timers = systemTimers) {
    this.#timers = timers;
    this.#at = timers.now();
  }

  get rate(): number | undefined {
    return this.#rate;
  }

  /** Applies at once, also to what waits. */
  set rate(rate: number | undefined) {
    if (rate === this.#rate) return;
    this.#refill();
    // A debt that was made at another rate is not waited for much longer than a new one would be.
    if (rate !== undefined) this.#tokens = Math.max(this.#tokens, -rate);
    this.#rate = rate;
    Atomics.store(this.limit, 0, rate === undefined ? 0 : Math.ceil(rate / 1024));
    this.#pump();
  }

  /** Bytes to send at a time. */
  get slice(): number {
    if (this.#rate === undefined) return UNLIMITED;
    return Math.round(Math.min(LARGEST, Math.max(SMALLEST, this.#rate / SLICES)));
  }

  /** A turn for all bytes of one request, so that requests end one after the other rather than all late. */
  turn(): number {
    return (this.#turns += 1);
  }

  take(bytes: number, lane: Lane, signal: AbortSignal, turn = this.turn()): Promise<void> | undefined {
    if (this.#rate === undefined) return undefined;
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.#refill();
    if (this.#tokens > 0 && !this.#isWaitedFor) {
      this.#spend(bytes, lane);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const queue = this.#queues[lane];
      const leave = (): void => {
        queue.splice(queue.indexOf(waiting), 1);
        reject(signal.reason as Error);
        this.#pump();
      };
      const grant = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiting: Waiting = { bytes, turn, grant };
      signal.addEventListener('abort', leave, { once: true });
      if (lane !== 'first' && queue.length === 0) this.#join(lane);
      const at = queue.findIndex((other) => other.turn > turn);
      queue.splice(at < 0 ? queue.length : at, 0, waiting);
      this.#pump();
    });
  }

  get #isWaitedFor(): boolean {
    return Object.values(this.#queues).some((queue) => queue.length > 0);
  }

  /** A lane that was idle has not saved up a share. */
  #join(lane: 'drive' | 'backup'): void {
    const other = lane === 'drive' ? 'backup' : 'drive';
    const base = this.#queues[other].length > 0 ? this.#served[other] : Math.max(...Object.values(this.#served));
    // A lane that only waits for its next slice keeps the share that it is behind.
    this.#served[lane] = Math.max(this.#served[lane], base - LARGEST);
  }

  #refill(): void {
    const now = this.#timers.now();
    const rate = this.#rate ?? 0;
    this.#tokens = Math.min(this.#tokens + ((now - this.#at) * rate) / 1000, (rate * BURST) / 1000);
    this.#at = now;
  }

  #spend(bytes: number, lane: Lane): void {
    this.#tokens -= bytes;
    if (lane !== 'first') this.#served[lane] += bytes;
  }

  /** Lets pass what may pass, and comes back when more may. */
  #pump(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#refill();
    for (let lane = this.#next(); lane !== undefined; lane = this.#next()) {
      if (this.#rate !== undefined && this.#tokens <= 0) {
        const wait = Math.max(1, Math.ceil((-this.#tokens * 1000) / this.#rate));
        this.#cancel = this.#timers.after(wait, () => this.#pump());
        return;
      }
      const { bytes, grant } = this.#queues[lane].shift() as Waiting;
      this.#spend(bytes, lane);
      grant();
    }
  }

  #next(): Lane | undefined {
    const { first, drive, backup } = this.#queues;
    if (first.length > 0) return 'first';
    if (drive.length === 0 || backup.length === 0)
      return drive.length > 0 ? 'drive' : backup.length > 0 ? 'backup' : undefined;
    return this.#served.drive <= this.#served.backup ? 'drive' : 'backup';
  }
}
