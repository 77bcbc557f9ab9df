import { setTimeout as delay } from 'node:timers/promises';

/** ms */
const LONGEST_REST = 250;

/** Wakes one loop that waits; a wake-up while nobody waits is kept for the next wait. */
export class Signal {
  #resolve: (() => void) | undefined;
  #kept = false;

  wake(): void {
    this.#kept = true;
    this.#resolve?.();
  }

  /** Answered by the next `wake`, or after `ms` (at most about 24 days), or by the signal. */
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
   * After a look through a long queue that took so many ms: waits, whoever wakes, so that looking takes a tenth of the time
   * at most, while every change wakes.
   */
  async rest(took: number, signal: AbortSignal): Promise<void> {
    await delay(Math.min(9 * took, LONGEST_REST), undefined, { signal }).catch(() => undefined);
  }
}
