import type { Place } from '../../../vfs/file-system.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import type { PendingIntent } from '../../../cache/tree/journal.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { localChangesOf } from './merge.ts';
import { planCreation, type NewContent } from '../../intents/plan.ts';
import { stepAside } from '../follow/show.ts';
import type { Replica } from '../replica.ts';

/**
 * Plans the creation of a node again, under a new id, which the old one becomes an alias of: the cloud has removed it,
 * and a deletion loses to a change. Content that is not here is copied by reference, unless `given`. The contents of a
 * folder follow, page by page. `removed` is the revision of the removal, if the cloud may restore the node; where a folder above it was
 * removed, `shown` is that of the node here, which may have left the folder since.
 */
export function recreate(
  replica: Replica,
  entry: Entry,
  removed: number | undefined,
  to: Place = entry,
  given?: NewContent,
  shown?: number,
): Entry {
  const { catalog, journal } = replica;
  const intents = journal.of(entry.id);
  const name = freeName(replica, entry, to);
  const node = recreated(replica, entry, { parent: to.parent, name });
  const known = given === undefined ? contentOf(node, entry, intents) : { ...given, version: node.version };
  const content = node.kind === 'file' ? known : undefined;
  const fresh = { ...node, ...bytesOf(content) };
  replica.submit([...catalog.remove(entry), ...intents.map(({ seq }) => journal.remove(seq))]);
  replica.put(fresh, undefined, [catalog.alias(entry.id, fresh.id, removed, shown)]);
  replica.submit(replica.planner.ops(planCreation(fresh, content)));
  if (name !== to.name) replica.submit([replica.noteConflict(fresh.id, to.name)]);
  replica.rebind(entry.id, fresh.id);
  const renew = { what: 'renew', folder: entry.id, to: fresh.id, removed } as const;
  if (fresh.kind === 'folder') replica.later(() => renewChildren(replica, entry.id, fresh.id, removed), renew);
  return fresh;
}

/** Plans a folder that the cloud has removed again, without its contents. */
export function recreateParent(replica: Replica, entry: Entry, removed: number | undefined, to: Place): Entry {
  const { catalog, journal } = replica;
  const fresh = recreated(replica, entry, to);
  replica.submit([...catalog.remove(entry), ...journal.of(entry.id).map(({ seq }) => journal.remove(seq))]);
  replica.put(fresh, undefined, [catalog.alias(entry.id, fresh.id, removed)]);
  replica.submit(replica.planner.ops(planCreation(fresh)));
  return fresh;
}

function recreated(replica: Replica, entry: Entry, { parent, name }: Place): Entry {
  const { remote: _remote, ...kept } = entry;
  const version = entry.kind === 'file' ? { version: replica.newId() } : {};
  return { ...kept, ...version, id: replica.newId(), parent, name, rev: 0, base: null };
}

/** Where the bytes of a planned content are read from until it is in the cloud. */
export function bytesOf(content: Pick<NewContent, 'staged' | 'from'> | undefined): Pick<Entry, 'staged' | 'remote'> {
  if (content?.staged !== undefined) return { staged: content.staged };
  return content?.from === undefined ? {} : { remote: content.from };
}

/** The content with which a node is created again. */
export function contentOf(fresh: Entry, entry: Entry, intents: readonly PendingIntent[]): NewContent {
  const put = intents.findLast(({ op }) => op === 'put');
  const { version } = fresh;
  if (put === undefined) return { version, ...(entry.remote === undefined ? {} : { from: entry.remote }) };
  const { staged, from, writing } = put;
  return {
    version,
    ...(staged === undefined ? {} : { staged }),
    ...(from === undefined ? {} : { from }),
    ...(writing === undefined ? {} : { writing }),
  };
}

/** Creates the contents of a folder again in another one. */
export async function renewChildren(
  replica: Replica,
  from: NodeId,
  to: NodeId,
  removed: number | undefined,
): Promise<void> {
  const { catalog, journal } = replica;
  for (;;) {
    const { entries } = await catalog.page(from, undefined, 500);
    if (entries.length === 0) return;
    const adopted: NodeId[] = [];
    for (const { name } of entries) {
      const child = catalog.child(from, name);
      if (child === undefined) continue;
      // What was moved into the folder here is elsewhere in the cloud, and may be alive there.
      const { place } = localChangesOf(journal.of(child.id));
      if (place || child.local === true) {
        adoptChild(replica, child, to);
        adopted.push(child.id);
      } else if (hasLeft(replica, child)) stepAside(replica, child);
      else recreate(replica, child, removed, { parent: to, name }, undefined, child.rev);
    }
    replica.requeue(adopted);
    await replica.written();
  }
}

/** Whether a record that is not shown yet is of another place. A change of its content must not lose its node. */
function hasLeft({ journal, waiting }: Replica, { id, parent }: Entry): boolean {
  const record = waiting.get(id);
  return record !== undefined && record.parent !== parent && !journal.has(id);
}

/**
 * A node that the cloud has never seen, or not in this place, in the recreated folder; must be put after that in the order with
 * `requeue`.
 */
export function adoptChild(replica: Replica, child: Entry, parent: NodeId): void {
  const { journal } = replica;
  const name = freeName(replica, child, { parent, name: child.name });
  if (name !== child.name) {
    replica.submit([replica.noteConflict(child.id, child.name)]);
    replica.rehome(child, { parent, name });
    return;
  }
  const moved = { ...child, parent };
  const ops = journal
    .of(child.id)
    .filter((intent) => intent.parent === child.parent)
    .map((intent) => journal.put({ ...intent, parent }));
  replica.put(moved, child, ops);
}

/** The name that a node gets at a place: another one if a different node has that. */
function freeName(replica: Replica, entry: Entry, { parent, name }: Place): string {
  const holder = replica.catalog.child(parent, name);
  if (holder === undefined || holder.id === entry.id) return name;
  return replica.conflictName({ ...entry, parent, name });
}
