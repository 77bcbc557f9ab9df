import { setTimeout as delay } from 'node:timers/promises';

/** ms */
const LONGEST_REST = 250;

/** Wakes one waiting loop; a wake-up that arrives while the loop is not waiting is kept for the next wait. */
export class Signal {
  #resolve: (() => void) | undefined;
  #kept = false;

  wake(): void {
    this.#kept = true;
    this.#resolve?.();
  }

  /** Resolves on the next `wake`, after `ms` (at most about 24 days), or when the signal aborts. */
  async wait(ms: number | undefined, signal: AbortSignal): Promise<void> {
    if (!this.#kept && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const timer = ms === undefined ? undefined : setTimeout(end, Math.min(Math.max(ms, 0), 2 ** 31 - 1));
        this.#resolve = end;
        signal.addEventListener('abort', end, { once: true });
      });
    }
    this.#resolve = undefined;
    this.#kept = false;
  }

  /**
   * To be called after scanning a long queue, with the duration of the scan in ms: waits, ignoring wake-ups, so that
   * scanning takes a tenth of the time at most although every change wakes the loop.
   */
  async rest(took: number, signal: AbortSignal): Promise<void> {
    await delay(Math.min(9 * took, LONGEST_REST), undefined, { signal }).catch(() => undefined);
  }
}
