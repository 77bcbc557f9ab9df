import type { Mark } from './records.ts';

/** Marks that are kept between two answers of the feed; the service takes sixteen. */
const KEPT = 12;

/**
 * Marks with another one, which an answer gave. None that the cloud has not confirmed since is replaced by a later one: it
 * may have gone back in time between the two. Where they are too many, every second goes.
 */
export function withMark(marks: readonly Mark[], mark: Mark): readonly Mark[] {
  const last = marks.at(-1);
  if (last !== undefined && last.rev === mark.rev && last.stamp === mark.stamp) return marks;
  const kept = marks.length < KEPT ? marks : marks.filter((_, i) => i % 2 === 0);
  return [...kept, mark];
}

/** The marks after the cloud has confirmed them with a cursor. */
export function marksAt(cursor: number, stamp: string | undefined): readonly Mark[] {
  return stamp === undefined ? [] : [{ rev: cursor, stamp }];
}
