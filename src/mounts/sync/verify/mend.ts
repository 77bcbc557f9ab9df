import type { Entry } from '../../../cache/tree/entry.ts';
import type { SpaceState } from '../../../cache/tree/catalog.ts';
import { isSameNode } from '../../../cloud/tree-digest.ts';
import type { NodeRecord } from '../../../cloud/records.ts';
import type { SpaceFollower } from '../follow/space-follower.ts';
import { BEFORE, rebased } from '../follow/relabel.ts';
import type { Replica } from '../replica.ts';
import { agreedNode, UNKNOWN } from './agreed.ts';
import { type Differences, isSecond } from './differences.ts';

/** Records that are shown in one turn of the event loop. */
const CHUNK = 200;

type Shower = Pick<SpaceFollower, 'offer' | 'offerAbsence'>;

/** Removes what the cloud does not have, unless it has changed since; the next pull ends that, or holds it if it is much. */
export async function mendSuperfluous(
  replica: Replica,
  follower: Shower,
  { ghosts, strays, cursor }: Differences,
): Promise<void> {
  for (const stray of strays) {
    if (isSecond(replica, stray)) replica.submit([replica.catalog.dropSecond(stray)]);
  }
  for (const ghost of ghosts) {
    const { catalog } = replica;
    if (catalog.child(ghost.parent, ghost.name)?.id !== ghost.id) continue;
    // It may be one that cannot be found by its id, or only another one instead.
    replica.submit(catalog.forgetFalsePlace(ghost.id));
    if (catalog.get(ghost.id) === undefined) replica.submit(catalog.put(ghost));
    if (isUnchanged(replica, ghost)) follower.offerAbsence(ghost, cursor);
  }
  await replica.written();
}

/** Shows what the cloud has, except for the parts that were changed here, and unless it has changed since. */
export async function mendRecords(
  replica: Replica,
  follower: Shower,
  space: SpaceState,
  { records }: Differences,
): Promise<void> {
  for (let from = 0; from < records.length; from += CHUNK) {
    const chunk = records.slice(from, from + CHUNK).filter(({ record, known }) => {
      const own = ownEntry(replica, record);
      return own?.rev === known && !isRight(own, record, space);
    });
    // All of them first: one may have the name of another.
    for (const { record } of chunk) {
      clearPlace(replica, record);
      doubt(replica, record);
    }
    for (const { record } of chunk) follower.offer(record);
    await replica.written();
  }
}

function ownEntry({ catalog }: Replica, { id }: Pick<NodeRecord, 'id'>): Entry | undefined {
  const known = catalog.get(id);
  return known?.id === id ? known : undefined;
}

function isRight(own: Entry | undefined, record: NodeRecord, space: SpaceState): boolean {
  const known = own === undefined ? undefined : agreedNode(own, space);
  const node = known?.size === UNKNOWN ? { ...known, size: record.size } : known;
  const parent = record.parent === space.root ? (space.cloudRoot ?? record.parent) : record.parent;
  return node !== undefined && own?.space === record.space && isSameNode(node, { ...record, parent });
}

/** An entry that cannot be found by its id must not have the name of a record: its own record is shown, too. */
function clearPlace(replica: Replica, record: NodeRecord): void {
  const { catalog, journal } = replica;
  const holder = catalog.child(replica.folderOf(record), record.name);
  if (holder === undefined || holder.id === record.id || catalog.isPlaced(holder) || journal.has(holder.id)) return;
  replica.submit([catalog.dropSecond(holder)]);
}

/** Any record of the node is news from now on; what a record cannot change is forgotten. */
function doubt(replica: Replica, record: NodeRecord): void {
  const own = ownEntry(replica, record);
  if (own === undefined) return replica.submit(replica.catalog.forgetFalsePlace(record.id));
  const { version, size } = record;
  const hasContent = own.hash !== undefined || own.remote !== undefined || own.size !== size;
  const isOther = own.kind !== record.kind || own.target !== record.target || (version === null && hasContent);
  if (isOther && !replica.journal.has(own.id)) return replica.retire(own);
  const { base } = own;
  const known = base === undefined || base === null ? {} : { base: rebased(base) };
  replica.submit(replica.catalog.put({ ...own, ...known, rev: BEFORE }, own));
}

function isUnchanged(replica: Replica, entry: Entry): boolean {
  const own = ownEntry(replica, entry);
  return own?.rev === entry.rev && own.parent === entry.parent && own.name === entry.name;
}
