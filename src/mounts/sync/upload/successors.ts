import type { Op } from '../../../cache/db/group-writer.ts';
import type { Journal, PendingIntent } from '../../../cache/tree/journal.ts';

/**
 * A put was to make a version that the cloud will never have: it has the same bytes as `base`. What waits behind it and counts on
 * that version counts on `base` from now on; else the cloud would take it for a change of something else.
 */
export function rebaseSuccessors(journal: Journal, put: PendingIntent, base: string | null): Op[] {
  const { node, seq, version } = put;
  if (version === undefined || version === base) return [];
  const behind = journal.of(node).filter((intent) => intent.seq > seq && intent.base === version);
  return behind.map((intent) => journal.put({ ...intent, base }));
}
