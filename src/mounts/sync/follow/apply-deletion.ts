import { innerSpace, type Entry } from '../../../cache/tree/entry.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { localChangesOf } from '../conflict/merge.ts';
import { adoptChild, recreate, recreateParent } from '../conflict/recreate.ts';
import type { Replica } from '../replica.ts';
import { survives, sweepLater } from './sweep.ts';

/** A node that the cloud has removed, as it is, or was, shown here. */
export interface Removed {
  readonly id: NodeId;
  readonly space: string;
  readonly parent: NodeId;
  readonly name: string;
  /** The folder that it was in here, if another node has taken its name since. */
  readonly formerParent?: NodeId;
}

/**
 * Removes what the cloud has removed. Work in a removed folder that the cloud has not seen survives, under the same
 * path, in folders that are created again. Returns false if that has to wait for the result of something that was sent. `rev`
 * is the revision of the removal, if it is known.
 */
export function applyDeletion(replica: Replica, removed: Removed, rev: number | undefined): boolean {
  const { catalog, journal } = replica;
  const entry = catalog.get(removed.id);
  const own = entry?.id === removed.id ? entry : undefined;
  if (own !== undefined && own.kind !== 'folder') return applyFileDeletion(replica, own);
  const modified = locallyModifiedBelow(replica, removed.id);
  if ([removed.id, ...modified.map(({ id }) => id)].some((id) => replica.isUnsure(id))) return false;
  const moved = own !== undefined && localChangesOf(journal.of(removed.id)).place && survives(replica, own);
  // It was moved here in the meantime: the result of that move reports that it is gone, and it is created again with
  // all its contents.
  if (moved) return true;
  const recreatedParents = new RecreatedParents(replica, removed, rev, new Set(modified.map(({ id }) => id)));
  replica.requeue(
    modified.filter((node) => rescue(replica, node, recreatedParents, rev) === 'adopted').map(({ id }) => id),
  );
  const left = catalog.get(removed.id);
  if (left?.id === removed.id) replica.retire(left);
  for (const id of [removed.id, ...recreatedParents.emptied]) sweepLater(replica, id, rev);
  return true;
}

function applyFileDeletion(replica: Replica, entry: Entry): boolean {
  if (replica.isUnsure(entry.id)) return false;
  // Sending a change reports that the node is gone, and then it is created again.
  if (!survives(replica, entry)) replica.retire(entry);
  return true;
}

function rescue(
  replica: Replica,
  node: Entry,
  recreatedParents: RecreatedParents,
  rev: number | undefined,
): 'adopted' | 'renewed' | 'gone' {
  const entry = replica.catalog.get(node.id);
  if (entry === undefined) return 'gone';
  const parent = recreatedParents.for(entry.parent);
  const { place } = replica.localChanges(entry.id);
  if (place) adoptChild(replica, entry, parent);
  else recreate(replica, entry, rev, { parent, name: entry.name }, undefined, entry.rev);
  return place ? 'adopted' : 'renewed';
}

/** The folders above surviving nodes, each created again once. */
class RecreatedParents {
  /** Ids of folders whose other children are still stored below them. */
  readonly emptied: NodeId[] = [];
  readonly #replica: Replica;
  readonly #removed: Removed;
  readonly #rev: number | undefined;
  readonly #surviving: ReadonlySet<NodeId>;
  readonly #made = new Map<NodeId, NodeId>();

  constructor(replica: Replica, removed: Removed, rev: number | undefined, surviving: ReadonlySet<NodeId>) {
    this.#replica = replica;
    this.#removed = removed;
    this.#rev = rev;
    this.#surviving = surviving;
  }

  /** The id of the folder that replaces a removed one. */
  for(folder: NodeId): NodeId {
    if (this.#surviving.has(folder)) return this.#replica.resolve(folder);
    let made = this.#made.get(folder);
    if (made === undefined) this.#made.set(folder, (made = this.#make(folder)));
    return made;
  }

  #make(folder: NodeId): NodeId {
    const { catalog } = this.#replica;
    const known = catalog.get(folder);
    const entry = known?.id === folder ? known : undefined;
    const { name } = entry ?? this.#removed;
    const top = folder === this.#removed.id;
    const parent = top ? this.#above(entry) : this.for(entry?.parent ?? this.#removed.id);
    const holder = catalog.child(parent, name);
    if (holder?.kind === 'folder' && holder.id !== folder) return holder.id;
    this.emptied.push(folder);
    const free = holder === undefined || holder.id === folder;
    const to = { parent, name: free ? name : this.#replica.conflictName(holder) };
    const lost = entry ?? unknownFolder(this.#replica, this.#removed, parent);
    return recreateParent(this.#replica, lost, this.#rev, to).id;
  }

  /** Where the removed folder was: in the cloud, unless that is gone, or in what survives in it, as folders were moved into each other; then here. */
  #above(entry: Entry | undefined): NodeId {
    const { catalog } = this.#replica;
    const { space, formerParent } = this.#removed;
    const isUsable = (id: NodeId | undefined): id is NodeId => {
      const folder = catalog.get(id ?? '');
      return folder !== undefined && ![folder, ...catalog.ancestors(folder)].some((at) => this.#isBelow(at));
    };
    const places = [this.#removed.parent, entry?.parent, formerParent, catalog.space(space)?.root];
    return (
      places.map((id) => this.#replica.resolve(id ?? '')).find(isUsable) ?? this.#replica.resolve(this.#removed.parent)
    );
  }

  #isBelow({ id, parent }: Entry): boolean {
    return id === this.#removed.id || parent === this.#removed.id || this.#surviving.has(id);
  }
}

/** A folder that is not shown here any more. */
function unknownFolder(replica: Replica, { id, name, ...removed }: Removed, parent: NodeId): Entry {
  const at = replica.now();
  const folder = replica.catalog.get(parent);
  const space = folder === undefined ? removed.space : innerSpace(folder);
  const times = { mtime: at, ctime: at, birthtime: at };
  return { id, space, parent, name, kind: 'folder', size: 0, mode: 0o755, ...times, version: id, rev: 0 };
}

/** Nodes below a folder with work that the cloud has not seen, parents first. */
function locallyModifiedBelow(replica: Replica, folder: NodeId): Entry[] {
  const { catalog, journal } = replica;
  const found = new Map<NodeId, { entry: Entry; depth: number }>();
  const depths = new Map<NodeId, number | undefined>([[folder, 0]]);
  for (const { node } of journal.all()) {
    const entry = catalog.get(node);
    if (entry === undefined || found.has(entry.id) || !survives(replica, entry)) continue;
    const depth = depthBelow(replica, entry.parent, depths);
    if (depth !== undefined) found.set(entry.id, { entry, depth });
  }
  return [...found.values()].sort((a, b) => a.depth - b.depth).map(({ entry }) => entry);
}

/** The depth of a folder below the one that `depths` begins with; `undefined` if it is not below it. */
function depthBelow({ catalog }: Replica, folder: NodeId, depths: Map<NodeId, number | undefined>): number | undefined {
  const path: NodeId[] = [];
  let at: NodeId | undefined = folder;
  while (at !== undefined && !depths.has(at) && !path.includes(at)) {
    path.push(at);
    at = catalog.get(at)?.parent;
  }
  let depth = at === undefined ? undefined : depths.get(at);
  for (const id of path.toReversed()) depths.set(id, (depth = depth === undefined ? undefined : depth + 1));
  return depth;
}
