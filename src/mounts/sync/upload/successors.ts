import type { Op } from '../../../cache/db/group-writer.ts';
import type { Journal, PendingIntent } from '../../../cache/tree/journal.ts';

/**
 * A put was to create a version that the cloud will never have: it has the same bytes as `base`. Later intents that are
 * based on that version, or replace it, are based on `base` from now on; otherwise the cloud would see a conflict.
 */
export function rebaseSuccessors(journal: Journal, put: PendingIntent, base: string | null): Op[] {
  const { node, seq, version } = put;
  if (version === undefined || version === base) return [];
  const behind = journal.of(node).filter((intent) => intent.seq > seq && intent.base === version);
  const over = [...journal.all()].filter(({ replace, replaceBase }) => replace === node && replaceBase === version);
  return [
    ...behind.map((intent) => journal.put({ ...intent, base })),
    ...over.map((intent) => journal.put({ ...intent, replaceBase: base })),
  ];
}
