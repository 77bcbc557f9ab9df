import type { Entry } from '../../../cache/tree/entry.ts';
import type { Op } from '../../../cache/db/group-writer.ts';
import type { PendingIntent } from '../../../cache/tree/journal.ts';
import type { NodeRecord } from '../../../cloud/records.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { localChangesOf, merge } from './merge.ts';
import { isCreation } from '../../intents/plan.ts';
import { stagedOf, type Replica } from '../replica.ts';

/** Whether a new node here and one of the cloud of the same name are the same: folders, equal bytes, equal targets. */
export function isSame(entry: Entry, record: NodeRecord): boolean {
  if (entry.kind !== record.kind) return false;
  if (entry.kind === 'folder') return true;
  return entry.kind === 'symlink'
    ? entry.target === record.target
    : entry.hash !== undefined && entry.hash === record.hash;
}

/**
 * Merges a node that was created here with one of the cloud that this computer does not show yet: under the cloud's id,
 * which ours becomes an alias of. Other intents of ours become intents of the cloud's.
 */
export function mergeNodes(replica: Replica, ours: Entry, record: NodeRecord): void {
  const { catalog, journal } = replica;
  const intents = journal.of(ours.id);
  const creation = intents.find(isCreation);
  const rest = intents.filter((intent) => intent !== creation).map((intent) => adopted(intent, creation, record));
  const local = localChangesOf(rest);
  const before = { ...ours, id: record.id };
  const { staged, ...entry } = merge({ ...before, base: null }, record, local, replica.folderOf(record));
  const { base: _base, ...settled } = entry;
  const kept = local.content && staged !== undefined ? { staged } : {};
  const united: Entry = { ...(rest.length > 0 ? entry : settled), ...kept };
  replica.submit([
    ...catalog.remove(ours),
    ...catalog.put(united),
    catalog.alias(ours.id, record.id),
    ...(creation === undefined ? [] : [journal.remove(creation.seq)]),
    ...rest.map((intent) => journal.put(intent)),
    ...reparent(replica, ours.id, record.id),
  ]);
  replica.rebind(ours.id, record.id);
  const still = stagedOf(united, rest);
  for (const id of stagedOf(ours, intents)) if (!still.has(id)) replica.discard(record.id, id);
  replica.notify({ what: 'entry', folder: united.parent, name: united.name });
  if (ours.kind === 'folder') moveLater(replica, ours.id, record.id);
}

/** An intent of our node, as one of the cloud's. */
function adopted(intent: PendingIntent, creation: PendingIntent | undefined, record: NodeRecord): PendingIntent {
  const based = creation?.version !== undefined && intent.base === creation.version;
  return { ...intent, node: record.id, ...(based ? { base: record.version } : {}) };
}

/** The intents that name a folder, naming another one instead. */
function reparent(replica: Replica, from: NodeId, to: NodeId): Op[] {
  const { journal } = replica;
  const ops: Op[] = [];
  for (const intent of journal.all()) {
    const { origin } = intent;
    if (intent.parent !== from && origin?.parent !== from) continue;
    const parent = intent.parent === from ? to : intent.parent;
    const left = origin?.parent === from ? { origin: { ...origin, parent: to } } : {};
    ops.push(journal.put({ ...intent, parent, ...left }));
  }
  return ops;
}

function moveLater(replica: Replica, folder: NodeId, to: NodeId): void {
  replica.later(() => moveChildren(replica, folder, to), { what: 'move', folder, to });
}

/**
 * Moves the shown contents of one folder into another one. Names that are taken there are resolved as between two
 * devices.
 */
export async function moveChildren(replica: Replica, from: NodeId, to: NodeId): Promise<void> {
  const { catalog } = replica;
  let after: string | undefined;
  for (let more = true; more;) {
    const page = await catalog.page(from, after, 500);
    for (const { name } of page.entries) {
      // Read again: the page is from an earlier turn.
      const child = catalog.child(from, name);
      if (child !== undefined) moveChild(replica, child, to);
    }
    after = page.entries.at(-1)?.name;
    more = page.more;
    await replica.written();
  }
}

function moveChild(replica: Replica, child: Entry, to: NodeId): void {
  const { catalog } = replica;
  const holder = catalog.child(to, child.name);
  if (holder === undefined || holder.id === child.id) return replica.put({ ...child, parent: to }, child);
  const intents = replica.journal.of(child.id);
  const isNew = intents.some(isCreation);
  if (isNew && child.kind === 'folder' && holder.kind === 'folder') return join(replica, child, holder);
  // The result of its creation shows whether the bytes are equal, which is no conflict.
  const isSent = intents.every(({ parked }) => parked === undefined) && !replica.isBusy(child.id);
  if (isNew && isSent && child.kind === 'file' && holder.kind === 'file') return;
  const name = replica.conflictName({ ...child, parent: to });
  replica.submit([replica.noteConflict(child.id, child.name)]);
  replica.rehome(child, { parent: to, name });
}

/** Merges a folder that was created here with one that is shown. */
function join(replica: Replica, ours: Entry, shown: Entry): void {
  const { catalog, journal } = replica;
  replica.submit([
    ...catalog.remove(ours),
    catalog.alias(ours.id, shown.id),
    ...journal.of(ours.id).map(({ seq }) => journal.remove(seq)),
    ...reparent(replica, ours.id, shown.id),
  ]);
  replica.keepOrder([...journal.all()].filter(({ parent }) => parent === shown.id).map(({ node }) => node));
  replica.rebind(ours.id, shown.id);
  moveLater(replica, ours.id, shown.id);
}
