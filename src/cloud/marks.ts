import type { Mark } from './records.ts';

/** Most marks that are kept between two responses of the feed; the service accepts sixteen. */
const KEPT = 12;

/**
 * Adds a mark from a response. Marks that the cloud has not confirmed are not replaced by later ones, as the cloud may
 * have gone back in time between the two. If there are too many, every second one is dropped.
 */
export function withMark(marks: readonly Mark[], mark: Mark): readonly Mark[] {
  const last = marks.at(-1);
  if (last !== undefined && last.rev === mark.rev && last.stamp === mark.stamp) return marks;
  const kept = marks.length < KEPT ? marks : marks.filter((_, i) => i % 2 === 0);
  return [...kept, mark];
}

/** The marks to keep once the cloud has confirmed all of them with a cursor. */
export function marksAt(cursor: number, stamp: string | undefined): readonly Mark[] {
  return stamp === undefined ? [] : [{ rev: cursor, stamp }];
}
