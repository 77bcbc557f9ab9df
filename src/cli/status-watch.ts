import type { Status } from '../daemon/control/wire.ts';
import { stateWords } from './backup-words.ts';
import { count, shown, size, span, time } from './format.ts';

/** Over how many ms a rate is measured: blocks are sent some MiB at a time. */
const WINDOW = 10_000;
/** Bytes per second from which on a rate says something about the rest. */
const FORESEEN = 1024;

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

/** `up 1.0 MiB/s, down 0 B/s, 20 MiB to go, 20 s left, papers: sub/letter.odt` */
export function rateWords(status: Status, { up, down }: Rates): string {
  const left = remaining(status);
  const foreseen = left > 0 && up >= FORESEEN ? `, ${span((left / up) * 1000)} left` : '';
  const current = status.backups.flatMap(({ name, state }) =>
    state.doing === 'running' && state.progress?.current !== undefined
      ? [`, ${shown(name)}: ${shown(state.progress.current)}`]
      : [],
  );
  const rest = left > 0 ? `, ${size(left)} to go` : '';
  return `up ${size(up)}/s, down ${size(down)}/s${rest}${foreseen}${current.slice(0, 1).join('')}`;
}

/** What has to be seen without a terminal, in one line. */
export function plainLine(status: Status, rates: Rates, now: number): string {
  const queued = status.queued.files > 0 ? `; ${count(status.queued.files, 'change')} queued` : '';
  const sets = status.backups.map((set) => `; ${shown(set.name)}: ${stateWords(set, now)}`);
  return `${time(now)}  ${status.cloud.state}, ${rateWords(status, rates)}${queued}${sets.join('')}`;
}
