import type { BackupSet, BackupState } from '../daemon/control/wire.ts';
import { shown, size, time } from './format.ts';

const DAY = 86_400_000;
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** A coming time as a person says it: `today 14:00`, `tonight 02:00`, `tomorrow 09:30`, `Monday 02:00`. */
export function whenWords(ms: number, now: number): string {
  const date = new Date(ms);
  const [day, clock] = time(ms).split(' ') as [string, string];
  const hour = date.getHours();
  const today = new Date(now);
  if (ms <= now) return 'now';
  if (sameDay(date, today)) return hour >= 20 ? `tonight ${clock}` : `today ${clock}`;
  const tomorrow = new Date(today.getFullYear(), today.getMonth(), today.getDate() + 1);
  if (sameDay(date, tomorrow)) return hour < 6 ? `tonight ${clock}` : `tomorrow ${clock}`;
  return ms - now < 6 * DAY ? `${WEEKDAYS[date.getDay()]} ${clock}` : `${day} ${clock}`;
}

/** What a set does, in a few words. */
export function stateWords(set: BackupSet, now: number): string {
  const verified = set.verified === undefined ? '' : `, ${verifiedWords(set.verified)}`;
  const say = WORDS[set.state.doing] as (state: BackupState, of: BackupSet, now: number) => string;
  const late = set.overdue === undefined ? '' : `, OVERDUE since ${time(set.overdue)}`;
  const words = say(set.state, set, now) + late + verified;
  const { problems } = set;
  const hint = `; \`fjord backup log ${shown(set.name)}\``;
  return problems === 0 ? words : `${words}; ${problems.toLocaleString('en')} could not be taken${hint}`;
}

/** When the mirror was last compared with its folder. */
export function verifiedWords(verified: BackupSet['verified']): string {
  if (verified === undefined) return 'not verified yet';
  const damage = verified.damaged === 0 ? '' : ` (${verified.damaged.toLocaleString('en')} damaged)`;
  return `verified ${time(verified.at)}${damage}`;
}

/** Whether a person should look at it. */
export function isConcern({ state, problems, overdue }: BackupSet): boolean {
  const isSilent = state.doing === 'running' && state.silent !== undefined;
  return isSilent || overdue !== undefined || state.doing === 'halted' || state.doing === 'failing' || problems > 0;
}

type Words = {
  readonly [K in BackupState['doing']]: (
    state: BackupState & { readonly doing: K },
    set: BackupSet,
    now: number,
  ) => string;
};

const WORDS: Words = {
  running: ({ progress, silent }) => {
    const waits = silent === undefined ? '' : `; its disk has not answered for ${Math.round(silent / 1000)} s`;
    if (progress === undefined || progress.total.files === 0) return `running: comparing${waits}`;
    const { done, total } = progress;
    const files = `${done.files.toLocaleString('en')} of ${total.files.toLocaleString('en')} files`;
    return `running: ${files}, ${size(done.bytes)} of ${size(total.bytes)}${waits}`;
  },
  watching: ({ scanning }, set) => {
    const done = set.finished === undefined ? 'not complete yet' : `complete as of ${time(set.finished)}`;
    return scanning === undefined ? `${done}, watching` : `${done}; compared from time to time, as ${shown(scanning)}`;
  },
  waiting: ({ next }, { finished }, now) => {
    const done = finished === undefined ? 'never run' : `complete as of ${time(finished)}`;
    return next === undefined ? `${done}, runs when asked to` : `${done}, next: ${whenWords(next, now)}`;
  },
  paused: ({ until }, _set, now) => (until === undefined ? 'paused' : `paused, goes on ${whenWords(until, now)}`),
  deferred: ({ reason }, { finished }) => {
    const done = finished === undefined ? 'not complete yet' : `complete as of ${time(finished)}`;
    return `${done}, waits: ${shown(reason)}`;
  },
  halted: ({ reason, ends }, { name }) => {
    const hints = {
      confirm: '`fjord confirm` lets it go on',
      disk: 'it goes on by itself when the folder is there again and can be read',
      run: `it goes on when the disk is back; if what is there now is right, \`fjord backup run --confirm ${shown(name)}\``,
    };
    return `waits: ${shown(reason)}; ${hints[ends]}`;
  },
  failing: ({ reason, next }, _set, now) => `failed: ${shown(reason)}; next try: ${whenWords(next, now)}`,
};

function sameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}
