import { agreedSpace, innerSpace, type Entry } from '../../../cache/tree/entry.ts';
import type { Catalog, SpaceState } from '../../../cache/tree/catalog.ts';
import type { NodeRecord } from '../../../cloud/records.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { ROOT } from '../../policy/layout.ts';
import { BIN } from '../../drive/sweeper.ts';

export const FOREIGN_PARENT = 'its parent is in another space';

/**
 * Why a record of a space's feed can never be shown: it would change something outside the space. `undefined` if it
 * can.
 */
export function misplacement(catalog: Catalog, space: SpaceState, record: NodeRecord): string | undefined {
  const { id, parent } = record;
  if (record.space !== space.id) return 'it belongs to another space';
  if (isOwn(id) || id === space.root) return 'it has the id of a top folder of the drive';
  const known = catalog.get(id);
  if (known?.id === id && !isWithin(catalog, space, known)) return 'a node in another space has its id';
  if (record.removed || parent === space.root) return undefined;
  const folder = catalog.get(parent);
  if (isOwn(parent) || (folder !== undefined && !isOf(folder, space.id) && !awaitsFolder(catalog, record)))
    return FOREIGN_PARENT;
  return folder === undefined || folder.kind === 'folder' ? undefined : 'its parent is not a folder';
}

/**
 * Whether the folder that a record is of the place in is shown in another space, as it has moved from there and the record of that
 * follows: what is in it has older revisions.
 */
export function awaitsFolder(catalog: Catalog, { space, parent }: NodeRecord): boolean {
  const [folder, to] = [catalog.get(parent), catalog.space(space)];
  if (folder === undefined || to === undefined || to.root === parent || isOwn(parent) || isOf(folder, space))
    return false;
  const from = catalog.space(innerSpace(folder));
  return from !== undefined && isCrossing(from) && isCrossing(to);
}

function isOf(folder: Entry, space: string): boolean {
  return innerSpace(folder) === space || agreedSpace(folder) === space;
}

/** Whether a node is one of the space, or may have come from the space that it is shown in. */
function isWithin(catalog: Catalog, space: SpaceState, known: Entry): boolean {
  if (known.space === space.id || agreedSpace(known) === space.id) return true;
  const other = catalog.space(known.space);
  return isCrossing(space) && other !== undefined && isCrossing(other);
}

/** Nodes move between Sync and what is shared in it. */
function isCrossing({ kind }: SpaceState): boolean {
  return kind === 'sync' || kind === 'shared';
}

/** Ids of folders that the drive itself creates. */
function isOwn(id: NodeId): boolean {
  return id === ROOT || id === BIN;
}

/** Whether a folder, put into `parent`, would be below itself. */
export function makesCircle(catalog: Catalog, id: NodeId, parent: NodeId): boolean {
  const seen = new Set<NodeId>();
  for (let at = catalog.get(parent); at !== undefined && !seen.has(at.id); at = catalog.get(at.parent)) {
    if (at.id === id || at.parent === id) return true;
    seen.add(at.id);
  }
  return parent === id;
}
