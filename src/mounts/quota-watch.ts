import type { GroupWriter } from '../cache/db/group-writer.ts';
import { type Rows, Table } from '../cache/db/table.ts';
import type { Remote } from '../cloud/remote.ts';
import type { Quota } from './drive/account-room.ts';

/** Interval between requests to the cloud, ms. */
const EVERY = 60_000;
/** How soon after something has changed, ms. */
const SOON = 3000;
const KEY = 'account';

export interface QuotaWatchOptions {
  readonly remote: Pick<Remote, 'usage'>;
  readonly rows: Rows;
  readonly writer: GroupWriter;
  /** Calls its listener when something in the drive has changed; returns a function that stops it. */
  readonly watch: (listener: () => void) => () => void;
  /** Called with each response of the cloud. */
  readonly told: (quota: Quota) => void;
  /** Called with how many blocks of the account the cloud has found damaged. */
  readonly damaged: (count: number) => void;
}

/**
 * Queries the cloud in the background for the account's usage; while it cannot be reached the last result stays, even
 * over a restart.
 */
export class QuotaWatch {
  readonly #options: QuotaWatchOptions;
  readonly #table: Table<Quota>;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: QuotaWatchOptions) {
    this.#options = options;
    this.#table = new Table<Quota>('quota', options.rows, options.writer, 1);
  }

  /** The last result, perhaps of an earlier process. */
  get last(): Quota | undefined {
    return this.#table.get(KEY);
  }

  start(): void {
    this.refresh();
    this.#timer ??= setInterval(() => this.refresh(), EVERY).unref();
    this.#unwatch ??= this.#options.watch(() => this.#changed());
  }

  /** Queries now. */
  refresh(): void {
    this.#running ??= this.#ask().finally(() => (this.#running = undefined));
  }

  async close(): Promise<void> {
    this.#unwatch?.();
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#stop.abort();
    await this.#running;
  }

  /** One query for all changes in the meantime. */
  #changed(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.refresh();
    }, SOON).unref();
  }

  async #ask(): Promise<void> {
    try {
      const { quota, used, files, damaged = 0 } = await this.#options.remote.usage({ signal: this.#stop.signal });
      const { last } = this;
      const now = { quota, used, files };
      this.#options.told(now);
      this.#options.damaged(damaged);
      if (last?.quota === quota && last.used === used && last.files === files) return;
      await this.#options.writer.write([this.#table.put(KEY, now)], { lazy: true });
    } catch {
      // The last result stays; that the cloud cannot be reached is reported where it matters.
    }
  }
}
