import type { Base, Entry } from '../../cache/tree/entry.ts';
import type { PendingIntent } from '../../cache/tree/journal.ts';
import type { NodeRecord } from '../../cloud/records.ts';
import { baseOf } from './conflict/merge.ts';
import type { Replica } from './replica.ts';

/**
 * Settles the first intent of a node if it was put aside as its bytes are lost, and the cloud has the version that it would
 * create: an earlier process sent it, before the power was lost. To be called before the record is shown.
 */
export function settleFound(replica: Replica, record: NodeRecord): void {
  const { catalog, journal } = replica;
  const [intent] = journal.has(record.id) ? journal.of(record.id) : [];
  const entry = catalog.get(record.id);
  if (intent?.parked === undefined || !journal.isInherited(intent.seq) || entry?.id !== record.id) return;
  if (isFound(intent, record)) settle(replica, intent, entry, baseOf(record));
}

/** The same if the cloud's state was known first. Returns false if the cloud does not have the version. */
export function settleKnown(replica: Replica, intent: PendingIntent): boolean {
  const { catalog, journal } = replica;
  if (!journal.isInherited(intent.seq)) return false;
  const entry = catalog.get(intent.node);
  if (entry?.id !== intent.node || !isFound(intent, entry.base ?? {}) || journal.of(entry.id)[0]?.seq !== intent.seq)
    return false;
  if (entry.base !== undefined && entry.base !== null) settle(replica, intent, entry, entry.base);
  return true;
}

/**
 * Leaves out a content that cannot be sent if the file is removed next: the removal must not wait for it for ever. Returns
 * false if the file is not removed.
 */
export function leaveOutRemoved(replica: Replica, whole: PendingIntent): boolean {
  const { journal } = replica;
  const { staged, from: _from, writing: _writing, ...intent } = whole;
  const isRemoved = journal.of(intent.node).some(({ op, seq }) => op === 'remove' && seq > intent.seq);
  if (staged === undefined || !isRemoved) return false;
  replica.submit([journal.put({ ...intent, id: replica.newId() })]);
  replica.discard(intent.node, staged);
  return true;
}

function isFound({ op, version }: PendingIntent, known: { readonly version?: string | null | undefined }): boolean {
  return op === 'put' && version !== undefined && version === known.version;
}

/** The entry gets the content of the cloud as soon as a record of it is shown. */
function settle(replica: Replica, intent: PendingIntent, entry: Entry, agreed: Base): void {
  const { journal } = replica;
  const done = journal.remove(intent.seq);
  if (intent.staged !== undefined) replica.discard(entry.id, intent.staged);
  const { base: _base, staged, ...rest } = entry;
  const kept = staged === undefined || staged === intent.staged ? rest : { ...rest, staged };
  const shown = { ...kept, rev: agreed.rev - 1 };
  replica.put(journal.has(entry.id) ? { ...shown, base: agreed } : shown, entry, [done]);
}
