import { Cron } from 'croner';
import { FsError } from '../../vfs/fs-error.ts';
import { parseDays } from './days.ts';

/**
 * When a set is mirrored.
 * - `continuous`: after each change
 * - `window`: as continuous, between the times of the first line and the next of the second; not outside
 * - `times`: a whole run at each time of the line
 * - `every`: a whole run, this many ms after the last one began
 * - `manual`: when a person asks
 *
 * Lines are cron's: minute, hour, day of the month, month, day of the week.
 */
export type Schedule =
  | { readonly kind: 'continuous' }
  | { readonly kind: 'window'; readonly opens: string; readonly closes: string }
  | { readonly kind: 'times'; readonly line: string }
  | { readonly kind: 'every'; readonly period: number }
  | { readonly kind: 'manual' };

const UNITS: Readonly<Record<string, number>> = { min: 60_000, h: 3_600_000, d: 86_400_000 };
const HINT =
  'write `continuous`, `manual`, `daily 02:00`, `mon,thu 12:30`, `mon-fri 22:00-06:00`, `every 4h` or a cron line such as `0 2 * * *`';

/** @throws EINVAL with what can be written instead */
export function parseSchedule(text: string): Schedule {
  const plain = text.trim().toLowerCase().replaceAll(/\s+/g, ' ');
  if (plain === 'continuous' || plain === 'manual') return { kind: plain };
  const schedule = parseEvery(plain) ?? parseTimes(plain) ?? parseLine(plain);
  if (schedule) return schedule;
  throw new FsError('EINVAL', 'schedule', { subject: text, reason: `"${text}" is no schedule; ${HINT}` });
}

function parseEvery(text: string): Schedule | undefined {
  const [, number, unit = ''] = /^every (\d{1,4}) ?(min|h|d)$/.exec(text) ?? [];
  const period = Number(number) * (UNITS[unit] ?? 0);
  return period > 0 ? { kind: 'every', period } : undefined;
}

function parseTimes(text: string): Schedule | undefined {
  const [, named = '', from, to] = /^([a-z,-]+) (\d{1,2}:\d\d)(?: ?- ?(\d{1,2}:\d\d))?$/.exec(text) ?? [];
  const days = parseDays(named);
  const [opens, closes] = [from, to].map((time) => minuteAndHour(time ?? ''));
  if (days === undefined || opens === undefined || (to !== undefined && closes === undefined)) return undefined;
  const on = `* * ${days.length === 7 ? '*' : days.join(',')}`;
  if (closes === undefined) return { kind: 'times', line: `${opens} ${on}` };
  // From a time to the same is a whole day.
  return { kind: 'window', opens: `${opens} ${on}`, closes: `${closes} * * *` };
}

function minuteAndHour(text: string): string | undefined {
  const [, hour, minute] = /^(\d{1,2}):(\d\d)$/.exec(text) ?? [];
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59) return undefined;
  return `${Number(minute)} ${Number(hour)}`;
}

function parseLine(text: string): Schedule | undefined {
  if (text.split(' ').length !== 5) return undefined;
  try {
    return new Cron(text, { paused: true }).nextRun() === null ? undefined : { kind: 'times', line: text };
  } catch {
    return undefined;
  }
}
