import type { Opening } from '../schedule/opening.ts';

/** What an agent knows when it decides. Times are ms since 1970, waits are ms. */
export interface Facts {
  readonly now: number;
  readonly opening: Opening;
  /** Up to a time, or without end. */
  readonly paused: { readonly until?: number | undefined } | undefined;
  /** It waits for something outside, unless a person has asked for a run. */
  readonly deferred: boolean;
  /** A person has asked for a run. */
  readonly requested: boolean;
  /** What the last run stopped at: a person decides, or the source comes back. */
  readonly halted: 'asks' | 'vanished' | undefined;
  /** When a source that has vanished is looked for again, and when a run that failed is tried again. */
  readonly again: number;
  /** When everything is compared again, whatever the events say. */
  readonly scanAt: number;
  /** Ms until a changed path is quiet; undefined if there is none. */
  readonly changes: number | undefined;
}

/** `whole` compares everything, `some` what has changed; `until`: when the schedule ends the run. */
export type Step =
  | { readonly run: 'whole' | 'some'; readonly until: number | undefined }
  | { readonly run: 'probe' }
  | { readonly run: 'nothing'; readonly wait: number | undefined };

/** What an agent does next. */
export function nextStep(facts: Facts): Step {
  const { now, opening, paused, requested, halted, again } = facts;
  if (paused && !(paused.until !== undefined && paused.until <= now)) return waitUntil(paused.until, now);
  if (requested) return { run: 'whole', until: undefined };
  if (facts.deferred) return waitUntil(undefined, now);
  if (halted === 'asks') return waitUntil(undefined, now);
  if (again > now) return waitUntil(again, now);
  if (halted === 'vanished') return { run: 'probe' };
  if (opening.state === 'closed') return waitUntil(opening.next, now);
  if (opening.state === 'due') return { run: 'whole', until: undefined };
  return follow(facts, opening.until);
}

function follow({ now, scanAt, changes }: Facts, until: number | undefined): Step {
  if (scanAt <= now) return { run: 'whole', until };
  if (changes === 0) return { run: 'some', until };
  const next = Math.min(scanAt, until ?? Infinity, now + (changes ?? Infinity));
  return waitUntil(next, now);
}

function waitUntil(time: number | undefined, now: number): Step {
  return { run: 'nothing', wait: time === undefined ? undefined : Math.max(0, time - now) };
}
