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

const WEEK = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const GROUPS: Readonly<Record<string, readonly number[]>> = {
  daily: [0, 1, 2, 3, 4, 5, 6],
  weekdays: [1, 2, 3, 4, 5],
  weekends: [0, 6],
};
const HINT =
  'write a rate of at least 16K such as `2M`, `500K` or `10 Mbit/s` (K, M and G are bytes per second), `off`, or rates with times: `08:00-18:00 1M, off`, `weekdays 08:00-18:00 1M, sat,sun 4M`';
const DAY = 24 * 60;

/** @throws EINVAL with what can be written instead */
export function parseTimetable(text: string): Timetable {
  // A comma also separates days, which no rate follows.
  const parts = text
    .toLowerCase()
    .replaceAll(/(?<=\b(?:sun|mon|tue|wed|thu|fri|sat)),\s*(?=(?:sun|mon|tue|wed|thu|fri|sat)\b)/g, '+')
    .split(',');
  return parts.map((part) => {
    const entry = parseEntry(part.trim().replaceAll(/\s+/g, ' '));
    if (entry !== undefined) return entry;
    throw new FsError('EINVAL', 'limit', { subject: text, reason: `"${part.trim()}" is no limit; ${HINT}` });
  });
}

function parseEntry(text: string): TimetableEntry | undefined {
  const [, named, from, to, rest = ''] =
    /^(?:([a-z]{3}(?:\+[a-z]{3})*|daily|weekdays|weekends) )?(?:(\d{1,2}:\d\d) ?[-–] ?(\d{1,2}:\d\d) )?(.+)$/.exec(
      text,
    ) ?? [];
  const rate = parseRate(rest);
  const days = named === undefined ? undefined : (GROUPS[named] ?? named.split('+').map((day) => WEEK.indexOf(day)));
  const [begin, end] = [from, to].map((time) => (time === undefined ? undefined : minuteOf(time)));
  const isTimed = from !== undefined;
  if (rate === undefined || days?.includes(-1) || (isTimed && (begin === undefined || end === undefined)))
    return undefined;
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

function holds({ days, from = 0, to = DAY }: TimetableEntry, day: number, minute: number): boolean {
  const begins = (on: number): boolean => days === undefined || days.includes(on);
  // From a time to the same is a whole day.
  if (from < to) return begins(day) && minute >= from && minute < to;
  return (begins(day) && minute >= from) || (begins((day + 6) % 7) && minute < to);
}
