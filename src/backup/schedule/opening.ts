import { Cron } from 'croner';
import type { Schedule } from './schedule.ts';

/** What a schedule allows at a moment. Times in ms since 1970. */
export type Opening =
  /** Changes are followed, up to a time or without end. */
  | { readonly state: 'open'; readonly until: number | undefined }
  /** A whole run should have begun. */
  | { readonly state: 'due' }
  /** Nothing until then, or until a person asks. */
  | { readonly state: 'closed'; readonly next: number | undefined };

export interface Moment {
  readonly now: number;
  /** When the last complete run began, not after `now`; undefined if there was none. */
  readonly last: number | undefined;
  /** IANA name; the computer's if undefined. */
  readonly zone?: string | undefined;
}

/** A run that was missed, because the computer slept or was off, is due at once. */
export function openingOf(schedule: Schedule, { now, last, zone }: Moment): Opening {
  if (schedule.kind === 'continuous') return { state: 'open', until: undefined };
  if (schedule.kind === 'manual') return { state: 'closed', next: undefined };
  if (schedule.kind === 'window') return window(schedule, now, zone);
  if (last === undefined) return { state: 'due' };
  const next =
    schedule.kind === 'every'
      ? last + schedule.period
      : timesOf(schedule.line, zone).nextRun(new Date(last))?.getTime();
  return next !== undefined && next <= now ? { state: 'due' } : { state: 'closed', next };
}

function window({ opens, closes }: Schedule & { kind: 'window' }, now: number, zone: string | undefined): Opening {
  const opening = timesOf(opens, zone);
  // Croner looks strictly before and after: a millisecond more includes the moment itself.
  const opened = opening.previousRuns(1, new Date(now + 1))[0];
  const closed = opened && timesOf(closes, zone).nextRun(opened)?.getTime();
  if (closed !== undefined && now < closed) return { state: 'open', until: closed };
  return { state: 'closed', next: opening.nextRun(new Date(now))?.getTime() };
}

export function timesOf(line: string, zone: string | undefined): Cron {
  return new Cron(line, { paused: true, ...(zone === undefined ? {} : { timezone: zone }) });
}
