import { remaining, type Rates } from '../daemon/control/rates.ts';
import type { Status } from '../daemon/control/wire.ts';
import { stateWords } from './backup-words.ts';
import { count, shown, size, span, time } from './format.ts';

/** Bytes per second from which on a rate says something about the rest. */
const FORESEEN = 1024;

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
