import type { Status } from './wire.ts';

/** Over how many ms a rate is measured: blocks are sent some MiB at a time. */
const WINDOW = 10_000;

/** Bytes per second. */
export interface Rates {
  readonly up: number;
  readonly down: number;
}

/** How fast bytes pass, from what had passed at some moments. */
export class RateMeter {
  #samples: { readonly at: number; readonly up: number; readonly down: number }[] = [];

  /** @param at ms of a clock that never steps */
  add({ transferred, pid }: Pick<Status, 'transferred' | 'pid'>, at: number): Rates {
    const last = this.#samples.at(-1);
    // A gateway that was restarted counts from the beginning.
    if (last && (transferred.up < last.up || transferred.down < last.down)) this.#samples = [];
    this.#samples.push({ at, ...transferred });
    while ((this.#samples[1]?.at ?? Infinity) <= at - WINDOW) this.#samples.shift();
    const first = this.#samples[0] ?? { at, ...transferred };
    const seconds = (at - first.at) / 1000;
    const rate = (bytes: number): number => (seconds > 0 && pid > 0 ? bytes / seconds : 0);
    return { up: rate(transferred.up - first.up), down: rate(transferred.down - first.down) };
  }
}

/** Bytes that have still to be read or sent, as far as that is known. */
export function remaining({ queued, backups }: Pick<Status, 'queued' | 'backups'>): number {
  const mirrors = backups.map(({ state }) => {
    const progress = state.doing === 'running' ? state.progress : undefined;
    return progress === undefined ? 0 : Math.max(0, progress.total.bytes - progress.done.bytes);
  });
  return mirrors.reduce((sum, bytes) => sum + bytes, queued.bytes);
}
