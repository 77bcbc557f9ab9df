import { agreedSpace, type Entry } from '../../../cache/tree/entry.ts';
import type { NodeRecord } from '../../../cloud/records.ts';
import { clashes, localChangesOf } from '../conflict/merge.ts';
import { isCreation } from '../../intents/plan.ts';
import type { Replica } from '../replica.ts';
import { awaitsFolder, makesCircle } from './record-check.ts';
import { isSame, mergeNodes } from '../conflict/merge-nodes.ts';

/** `wait`: something that is pending here must be resolved first; the record has to be shown again then. */
export type Shown = 'shown' | 'wait';

/** Shows a live node as the cloud has it, as far as no local change prevents it. */
export function show(replica: Replica, record: NodeRecord): Shown {
  const { catalog, journal } = replica;
  const known = catalog.get(record.id);
  const before = known?.id === record.id ? known : undefined;
  replica.nameless.delete(record.id);
  // Revisions of two spaces do not compare: it has moved to the record's.
  const moved = before !== undefined && agreedSpace(before) !== record.space;
  if (before === undefined ? catalog.isSuperseded(record) : !moved && record.rev <= before.rev) return 'shown';
  const intents = journal.of(record.id);
  const local = localChangesOf(intents);
  if (isOver(replica, record, before !== undefined)) return 'shown';
  if (awaitsFolder(catalog, record)) return 'wait';
  // The result of our removal, or of what takes its place here, decides what becomes of it.
  if (local.removal || journal.replacements.has(record.id)) return 'wait';
  if (intents.some(({ seq }) => journal.isFixed(seq))) return 'wait';
  // A node that has lost its name here, too, has no place of its own to keep.
  const stays = before !== undefined && local.place;
  if (!stays && (closesCircle(replica, record) || !makeRoom(replica, record))) return 'wait';
  const held = before !== undefined && clashes(before, record, local);
  if (held && moved) replica.moveIntents(record.id, record.space);
  replica.apply(before, held ? { ...record, rev: before.rev } : record, local);
  return held ? 'wait' : 'shown';
}

/**
 * True if the record is outdated: the node was removed, or lost its name to another one, after it. A later record
 * contains its current state.
 */
function isOver(replica: Replica, record: NodeRecord, isShown: boolean): boolean {
  const { catalog } = replica;
  if (replica.recentDeletions.outdates(record, isShown)) return true;
  const holder = catalog.child(replica.folderOf(record), record.name);
  if (holder === undefined || holder.id === record.id || holder.local === true) return false;
  if (holder.rev <= record.rev || replica.localChanges(holder.id).place) return false;
  replica.nameless.set(record.id, record);
  return true;
}

/** A folder that was moved below one that is still shown below it: a record that moves that one away follows. */
export function closesCircle(replica: Replica, record: NodeRecord): boolean {
  return record.kind === 'folder' && makesCircle(replica.catalog, record.id, replica.folderOf(record));
}

/** Frees the name of a record: the cloud's node takes it. Returns false while that has to wait. */
export function makeRoom(replica: Replica, record: NodeRecord): boolean {
  const { catalog, journal } = replica;
  const holder = catalog.child(replica.folderOf(record), record.name);
  if (holder === undefined || holder.id === record.id) return true;
  if (holder.local === true) {
    replica.giveWay(holder);
    return true;
  }
  const intents = journal.of(holder.id);
  if (intents.length === 0) {
    // The name was given to it after the record, and a later record of the node follows. What is shown from the feed has been checked
    // for that, the result of a change has not.
    if (holder.rev > record.rev) return false;
    stepAside(replica, holder);
    return true;
  }
  if (intents.some(({ seq }) => journal.isFixed(seq))) return false;
  // The cloud has it elsewhere already: its own record is on the way.
  if (!localChangesOf(intents).place) return false;
  if (!intents.some(isCreation)) {
    replica.giveWay(holder);
    return true;
  }
  if (isSame(holder, record) && catalog.get(record.id)?.id !== record.id) {
    mergeNodes(replica, holder, record);
    return true;
  }
  // Equal bytes would be no conflict, which the uploader finds out; a parked file may never be hashed.
  const undecided = holder.kind === 'file' && record.kind === 'file' && holder.hash === undefined;
  if (undecided && intents.every(({ parked }) => parked === undefined)) return false;
  replica.giveWay(holder);
  return true;
}

/**
 * A node whose name belongs to another one in the cloud now: it was moved or removed there, and a record of that
 * follows. Until then it is not shown; its contents stay under its id.
 */
export function stepAside(replica: Replica, holder: Entry): void {
  replica.nameless.set(holder.id, holder);
  replica.submit(replica.catalog.remove(holder));
}
