import type { Entry } from '../cache/entry.ts';
import type { Op } from '../cache/group-writer.ts';
import type { PendingIntent } from '../cache/journal.ts';
import type { NodeRecord } from '../cloud/wire.ts';
import type { NodeId } from '../vfs/node.ts';
import { facetsOf, merge } from './merge.ts';
import { isCreation } from './promise.ts';
import { stagedOf, type Replica } from './replica.ts';

/** Whether a new node here and one of the cloud of the same name are the same: folders, equal bytes, equal targets. */
export function isSame(entry: Entry, record: NodeRecord): boolean {
  if (entry.kind !== record.kind) return false;
  if (entry.kind === 'folder') return true;
  return entry.kind === 'symlink'
    ? entry.target === record.target
    : entry.hash !== undefined && entry.hash === record.hash;
}

/**
 * Makes a node that was created here, and one of the cloud that this computer does not show yet, one: under the cloud's
 * id, which ours stays an alias of. What else waits for ours waits for the cloud's.
 */
export function unite(replica: Replica, ours: Entry, record: NodeRecord): void {
  const { catalog, journal, openFiles, activity, changes } = replica.parts;
  const intents = journal.of(ours.id);
  const creation = intents.find(isCreation);
  const rest = intents.filter((intent) => intent !== creation).map((intent) => adopted(intent, creation, record));
  const local = facetsOf(rest);
  const before = { ...ours, id: record.id };
  const { staged, ...entry } = merge({ ...before, base: null }, record, local, replica.resolve(record.parent));
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
  openFiles.rebind(ours.id, record.id);
  activity.rebind(ours.id, record.id);
  const still = stagedOf(united, rest);
  for (const id of stagedOf(ours, intents)) if (!still.has(id)) replica.discard(record.id, id);
  changes.emit({ what: 'entry', folder: united.parent, name: united.name });
  if (ours.kind === 'folder') replica.later(() => moveChildren(replica, ours.id, record.id));
}

/** An intent of our node, as one of the cloud's. */
function adopted(intent: PendingIntent, creation: PendingIntent | undefined, record: NodeRecord): PendingIntent {
  const based = creation?.version !== undefined && intent.base === creation.version;
  return { ...intent, node: record.id, ...(based ? { base: record.version } : {}) };
}

/** The intents that name a folder, naming another one instead. */
function reparent(replica: Replica, from: NodeId, to: NodeId): Op[] {
  const { journal } = replica.parts;
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

/** Shows what is in one folder in another one. Names that are taken there are settled as between two devices. */
export async function moveChildren(replica: Replica, from: NodeId, to: NodeId): Promise<void> {
  const { catalog } = replica.parts;
  for (;;) {
    const { entries } = await catalog.page(from, undefined, 500);
    if (entries.length === 0) return;
    for (const { id } of entries) {
      // Read anew: the page is of another turn.
      const child = catalog.get(id);
      if (child?.parent === from) moveChild(replica, child, to);
      else if (child === undefined) return;
    }
    await replica.written();
  }
}

function moveChild(replica: Replica, child: Entry, to: NodeId): void {
  const { catalog, changes } = replica.parts;
  const holder = catalog.child(to, child.name);
  if (holder === undefined || holder.id === child.id) {
    replica.submit(catalog.put({ ...child, parent: to }, child));
    changes.emit({ what: 'entry', folder: to, name: child.name });
    return;
  }
  const name = replica.conflictName({ ...child, parent: to });
  replica.submit([replica.parts.conflicts.add({ node: child.id, name: child.name, at: replica.parts.now() })]);
  replica.rehome(child, { parent: to, name });
}
