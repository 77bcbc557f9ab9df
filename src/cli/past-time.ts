import { Problem } from '../daemon/problem.ts';

const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?$/;
/** ISO 8601 with a zone. */
const ZONED = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;
const AGO = /^(\d+(?:\.\d+)?)\s*(s|sec|second|min|minute|h|hour|d|day|w|week)s?(?:\s+ago)?$/i;
const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  sec: 1000,
  second: 1000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  w: 7 * 86_400_000,
  week: 7 * 86_400_000,
};
/** Days before today. */
const DAYS: Readonly<Record<string, number>> = { today: 0, yesterday: 1 };

/**
 * A time in the past as a person says it, in ms since 1970: `2026-11-22` (its beginning), `2026-11-22 21:15`, `yesterday`,
 * `yesterday 14:00`, `14:00` (today), all local; ISO 8601 with a zone; or how long ago, such as `3d` or `2h ago`. @throws Problem
 */
export function parsePastTime(text: string, now: number): number {
  const time = timeOf(text.trim(), now);
  if (time === undefined || Number.isNaN(time)) {
    throw new Problem(
      'usage',
      `"${text}" is no time such as 2026-11-22, "2026-11-22 21:15", yesterday, "yesterday 14:00", 14:00 or 3d (ago)`,
    );
  }
  if (time > now) throw new Problem('usage', `"${text}" is in the future`);
  return time;
}

function timeOf(text: string, now: number): number | undefined {
  if (ZONED.test(text)) return Date.parse(text.replace(' ', 'T'));
  const [day = '', clock, ...more] = text.split(/(?<=\d)T(?=\d)| +/);
  if (more.length === 0 && CLOCK.test(day) && clock === undefined) return at(new Date(now), day);
  const start = more.length === 0 ? startOf(day, now) : undefined;
  if (start !== undefined) return clock === undefined ? start.getTime() : at(start, clock);
  const [, count, unit] = AGO.exec(text) ?? [];
  return count === undefined || unit === undefined ? undefined : now - Number(count) * (UNITS[unit.toLowerCase()] ?? 0);
}

/** The first moment of a day; undefined if there is no such day. */
function startOf(day: string, now: number): Date | undefined {
  const before = DAYS[day.toLowerCase()];
  const today = new Date(now);
  if (before !== undefined) return new Date(today.getFullYear(), today.getMonth(), today.getDate() - before);
  const [, year, month, date] = (DATE.exec(day) ?? []).map(Number);
  if (year === undefined || month === undefined || date === undefined) return undefined;
  const start = new Date(year, month - 1, date);
  return start.getMonth() === month - 1 && start.getDate() === date ? start : undefined;
}

function at(day: Date, clock: string): number | undefined {
  const [, hours, minutes, seconds = 0] = (CLOCK.exec(clock) ?? []).map((part) => Number(part ?? 0));
  if (hours === undefined || minutes === undefined || hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return new Date(day.getFullYear(), day.getMonth(), day.getDate(), hours, minutes, seconds).getTime();
}
