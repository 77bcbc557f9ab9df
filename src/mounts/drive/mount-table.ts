import type { Catalog, SpaceState } from '../../cache/tree/catalog.ts';
import { FIXED, isBranch, type Entry } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import type { SpaceRecord } from '../../cloud/records.ts';
import { FolderNames, folderName } from '../../cloud/space-names.ts';
import type { NodeId } from '../../vfs/node.ts';
import { BRANCHES, mountPointOf, type Branch } from '../policy/layout.ts';

/** What a new list of spaces does to the catalog. */
export interface Attachment {
  readonly ops: readonly Op[];
  /** Shared spaces that are gone: what is shown of them is to be dealt with, and then they are to be removed from the catalog. */
  readonly unshared: readonly SpaceState[];
  /** Shared spaces that are new. */
  readonly shared: readonly SpaceState[];
  /** Roots of spaces that are gone and already detached: their contents are to be swept. */
  readonly gone: readonly Entry[];
  /** Names that lead to something else than before, also to nothing: the doors have to be notified of each. */
  readonly names: readonly PlacedName[];
}

export interface PlacedName {
  readonly folder: NodeId;
  readonly name: string;
}

/**
 * Attaches the spaces of the account where the drive shows them, see `mountPointOf`; those that it does not show must have been left
 * out. Submit the returned ops in the same turn.
 */
export async function attachSpaces(catalog: Catalog, spaces: readonly SpaceRecord[], now: number): Promise<Attachment> {
  const known = await catalog.spaces();
  const wanted = mounted(spaces, now);
  const ops: Op[] = [];
  const names: PlacedName[] = [];
  for (const entry of wanted.values()) {
    names.push(...changedNames(catalog.get(entry.id), entry));
    ops.push(...place(catalog, entry));
  }
  const shared: SpaceState[] = [];
  for (const record of spaces) {
    const state = stateOf(catalog.space(record.id), record);
    if (state.cloudRoot !== undefined && catalog.space(state.id) === undefined) shared.push(state);
    ops.push(...noteSpace(catalog, state));
  }
  const kept = new Set(spaces.map(({ id }) => id));
  const lost = known.filter(({ id }) => !kept.has(id));
  const unshared = lost.filter(({ cloudRoot }) => cloudRoot !== undefined);
  const gone = lost.flatMap((space) => (unshared.includes(space) ? [] : (catalog.get(space.root) ?? [])));
  const forgotten = lost.filter((space) => !unshared.includes(space));
  ops.push(...forgotten.map(({ id }) => catalog.removeSpace(id)), ...gone.flatMap((entry) => catalog.remove(entry)));
  const empty = await emptyBranches(catalog, wanted);
  for (const entry of empty) ops.push(...catalog.remove(entry));
  names.push(...[...gone, ...empty].map(placeOf));
  return { ops, unshared, shared, gone, names };
}

/** The folders that the drive shows before anything is known about the account. */
export function attachFixedFolders(catalog: Catalog, now: number): Op[] {
  return [...mounted([], now).values()].flatMap((entry) => place(catalog, entry));
}

/** The branches and the roots of the spaces, by id, parents first. */
function mounted(spaces: readonly SpaceRecord[], now: number): Map<NodeId, Entry> {
  const found = new Map<NodeId, Entry>();
  const names = new FolderNames();
  const add = ({ id, parent, name }: Branch, space = FIXED, mode = 0o555): void => {
    const times = { mtime: now, ctime: now, birthtime: now };
    if (!found.has(id))
      found.set(id, { id, space, parent, name, kind: 'folder', size: 0, mode, ...times, version: id, rev: 0 });
  };
  for (const branch of BRANCHES) add(branch);
  for (const space of spaces) {
    const point = mountPointOf(space);
    if (point === undefined) continue;
    const { branch, parent, name } = point;
    if (branch !== undefined) add({ ...branch, name: names.nameFor(branch.name, branch.id) });
    add({ id: space.root, parent, name: folderName(name) }, space.id, 0o755);
  }
  return found;
}

/** The names that lead to something else when the folder is put in its place. */
function changedNames(known: Entry | undefined, wanted: Entry): PlacedName[] {
  if (known === undefined) return [placeOf(wanted)];
  if (known.parent === wanted.parent && known.name === wanted.name) return [];
  return [placeOf(known), placeOf(wanted)];
}

function placeOf({ parent, name }: Entry): PlacedName {
  return { folder: parent, name };
}

/** Writes a fixed folder where it is new or has another place; its times stay. */
function place(catalog: Catalog, wanted: Entry): Op[] {
  const known = catalog.get(wanted.id);
  if (known === undefined) return catalog.put(wanted);
  if (known.parent === wanted.parent && known.name === wanted.name) return [];
  return catalog.put({ ...known, parent: wanted.parent, name: wanted.name }, known);
}

/** A space as the catalog keeps it; a shared one is mounted on a folder of Sync. */
function stateOf(known: SpaceState | undefined, record: SpaceRecord): SpaceState {
  const { id, kind, name, device, writable, role, place } = record;
  const share = place === undefined || role === undefined ? {} : { cloudRoot: record.root, role };
  return {
    id,
    kind,
    name,
    root: place ?? record.root,
    cursor: known?.cursor ?? -1,
    writable,
    ...(device === undefined ? {} : { device }),
    ...share,
    ...(known?.resync === undefined ? {} : { resync: known.resync }),
    ...(known?.treeRemoved === undefined ? {} : { treeRemoved: known.treeRemoved }),
    ...(known?.marks === undefined ? {} : { marks: known.marks }),
  };
}

function noteSpace(catalog: Catalog, space: SpaceState): Op[] {
  return JSON.stringify(catalog.space(space.id)) === JSON.stringify(space) ? [] : [catalog.putSpace(space)];
}

/** Branches in which nothing is mounted any more. */
async function emptyBranches(catalog: Catalog, wanted: ReadonlyMap<NodeId, Entry>): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const { id, parent } of BRANCHES) {
    // The root, which is its own parent, has no branches that go.
    if (id === parent) continue;
    for await (const entry of catalog.children(id)) if (isBranch(entry) && !wanted.has(entry.id)) found.push(entry);
  }
  return found;
}
