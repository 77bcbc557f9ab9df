import type { Remote } from '../cloud/remote.ts';
import type { Quota } from './drive.ts';

/** How often the cloud is asked, ms. */
const EVERY = 60_000;

/** Asks the cloud in the background how much the account stores; while it cannot be reached the last answer stays. */
export class QuotaWatch {
  readonly #remote: Pick<Remote, 'usage'>;
  readonly #told: (quota: Quota) => void;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(remote: Pick<Remote, 'usage'>, told: (quota: Quota) => void) {
    this.#remote = remote;
    this.#told = told;
  }

  start(): void {
    this.refresh();
    this.#timer ??= setInterval(() => this.refresh(), EVERY).unref();
  }

  /** Asks now. */
  refresh(): void {
    this.#running ??= this.#ask().finally(() => (this.#running = undefined));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#running;
  }

  async #ask(): Promise<void> {
    try {
      const { quota, used, files } = await this.#remote.usage({ signal: this.#stop.signal });
      this.#told({ quota, used, files });
    } catch {
      // The last answer stays; that the cloud cannot be reached is told by those who need it.
    }
  }
}
