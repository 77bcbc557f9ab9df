import { parseDays } from '../../backup/schedule/days.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { parseRate } from './rate.ts';

/** A rate and when it holds. */
export interface TimetableEntry {
  /** Days of the week on which it begins, 0 for Sunday; every day if undefined. */
  readonly days: readonly number[] | undefined;
  /** Minutes of the day, from the first to before the second, which may lie on the next day; all day if undefined. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Bytes per second; null without a limit. */
  readonly rate: number | null;
}

/** Rates by the time of day; the first entry that holds counts, and there is no limit where none does. */
export type Timetable = readonly TimetableEntry[];

const HINT =
  'write a rate of at least 16K such as `2M`, `500K` or `10 Mbit/s` (K, M and G are bytes per second), `off`, or rates with times: `08:00-18:00 1M, off`, `mon-fri 08:00-18:00 1M, sat,sun 4M`';
const DAY = 24 * 60;
const MINUTE = 60_000;

/** @throws EINVAL with what can be written instead */
export function parseTimetable(text: string): Timetable {
  return partsOf(text).map((part) => {
    const entry = parseEntry(part);
    if (entry !== undefined) return entry;
    throw new FsError('EINVAL', 'limit', { subject: text, reason: `"${part}" is no limit; ${HINT}` });
  });
}

/** The entries. A comma also separates days: what names nothing but days belongs to the part after it. */
function partsOf(text: string): string[] {
  const parts: string[] = [];
  let days = '';
  for (const part of text.split(',').map((part) => part.trim().replaceAll(/\s+/g, ' '))) {
    if (parseDays(part)) days += `${part},`;
    else {
      parts.push(days + part);
      days = '';
    }
  }
  return days === '' ? parts : [...parts, days.slice(0, -1)];
}

function parseEntry(text: string): TimetableEntry | undefined {
  const [, named, from, to, rest = ''] =
    /^(?:([a-z][a-z,-]*) )?(?:(\d{1,2}:\d\d) ?[-–] ?(\d{1,2}:\d\d) )?(.+)$/.exec(text.toLowerCase()) ?? [];
  const rate = parseRate(rest);
  const days = named === undefined ? undefined : parseDays(named);
  const [begin, end] = [from, to].map((time) => (time === undefined ? undefined : minuteOf(time)));
  const isTimed = from !== undefined;
  if (rate === undefined || (named !== undefined && !days)) return undefined;
  if (isTimed && (begin === undefined || end === undefined)) return undefined;
  return { days, from: begin, to: end, rate };
}

/** 24:00 is the end of a day. */
function minuteOf(time: string): number | undefined {
  const [hour = Number.NaN, minute = Number.NaN] = time.split(':').map(Number);
  const total = hour * 60 + minute;
  return minute < 60 && total <= DAY ? total : undefined;
}

/** The rate at a moment, local time; null without a limit. */
export function rateAt(timetable: Timetable, at: Date): number | null {
  const minute = at.getHours() * 60 + at.getMinutes();
  const day = at.getDay();
  return timetable.find((entry) => holds(entry, day, minute))?.rate ?? null;
}

/** A rate that holds from a time on, ms since 1970. */
export interface Change {
  readonly at: number;
  readonly rate: number | null;
}

/**
 * When the next other rate holds; undefined if there is none. It looks at each minute of a week rather than computing times: so it agrees with
 * `rateAt` also where the clock is changed to daylight saving time and back.
 */
export function nextChange(timetable: Timetable, at: Date): Change | undefined {
  if (timetable.every(({ days, from }) => days === undefined && from === undefined)) return undefined;
  const now = rateAt(timetable, at);
  const begin = Math.floor(at.getTime() / MINUTE) * MINUTE;
  // A day more than a week: in the week of a change of the clock, all may be later.
  for (let minute = 1; minute <= 8 * DAY; minute++) {
    const then = new Date(begin + minute * MINUTE);
    const rate = rateAt(timetable, then);
    if (rate !== now) return { at: then.getTime(), rate };
  }
  return undefined;
}

function holds({ days, from = 0, to = DAY }: TimetableEntry, day: number, minute: number): boolean {
  const begins = (on: number): boolean => days === undefined || days.includes(on);
  // From a time to the same is a whole day.
  if (from < to) return begins(day) && minute >= from && minute < to;
  return (begins(day) && minute >= from) || (begins((day + 6) % 7) && minute < to);
}
