import { openingOf, timesOf } from './opening.ts';
import type { Schedule } from './schedule.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Times in ms since 1970. */
export interface Completeness {
  /** When all was in the cloud last. */
  readonly finished: number | undefined;
  /** When the set was chosen; undefined if that is not known. */
  readonly added: number | undefined;
  /** IANA name; the computer's if undefined. */
  readonly zone?: string | undefined;
}

/**
 * From when on a set that has not been complete since is overdue; undefined for one that runs only when a person asks. A run may be
 * late, or take long, by as much as lies between two runs, but at least an hour and at most a day:
 * - `continuous`: a day, as everything is compared every six hours
 * - `window`: an hour after the end of the next window
 * - `times`, `every`: after the next run, and what it may be late
 */
export function overdueFrom(schedule: Schedule, { finished, added, zone }: Completeness): number | undefined {
  const last = finished ?? added;
  if (last === undefined || schedule.kind === 'manual') return undefined;
  if (schedule.kind === 'continuous') return last + DAY;
  if (schedule.kind === 'every') return last + schedule.period + lateness(schedule.period);
  if (schedule.kind === 'times') {
    const [next, after] = timesOf(schedule.line, zone).nextRuns(2, new Date(last));
    return next && next.getTime() + lateness(after ? after.getTime() - next.getTime() : DAY);
  }
  const opening = openingOf(schedule, { now: last, last, zone });
  const opens = opening.state === 'open' ? last : opening.state === 'closed' ? opening.next : undefined;
  const closes = opens === undefined ? undefined : timesOf(schedule.closes, zone).nextRun(new Date(opens))?.getTime();
  // What was complete within a window has nothing to do in the rest of it, so the next window counts.
  if (opening.state !== 'open' || closes === undefined) return closes && closes + HOUR;
  return overdueFrom(schedule, { finished: closes, added, zone });
}

function lateness(interval: number): number {
  return Math.min(Math.max(interval, HOUR), DAY);
}
