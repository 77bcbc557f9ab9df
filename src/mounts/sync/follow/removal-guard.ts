import type { Catalog } from '../../../cache/tree/catalog.ts';
import type { NodeId } from '../../../vfs/node.ts';

/** Remote removals of fewer files than this are always applied without confirmation. */
const ALWAYS = 100;

export interface HeldRemoval {
  readonly space: string;
  /** Files that would go, at least. */
  readonly files: number;
}

/**
 * The number of files that the removal of these nodes takes away, if it is a mass removal: more than a hundred and more
 * than half of all below `root`. `undefined` otherwise. Counts no further than necessary.
 */
export async function massRemoval(
  catalog: Catalog,
  root: NodeId,
  removed: readonly NodeId[],
): Promise<number | undefined> {
  const all = new Set(removed);
  let files = 0;
  for (const id of all) {
    const entry = catalog.get(id);
    // What was removed together with its folder is counted with it.
    if (entry?.id !== id || isBelow(catalog, entry.parent, all)) continue;
    files += entry.kind === 'folder' ? await filesBelow(catalog, id, Infinity) : 1;
  }
  if (files <= ALWAYS) return undefined;
  const enough = files * 2;
  return (await filesBelow(catalog, root, enough)) < enough ? files : undefined;
}

function isBelow(catalog: Catalog, folder: NodeId, tops: ReadonlySet<NodeId>): boolean {
  for (let at = catalog.get(folder); at !== undefined; at = catalog.get(at.parent)) {
    if (tops.has(at.id)) return true;
    if (at.parent === at.id) break;
  }
  return false;
}

/** Counts to `enough` at most. */
async function filesBelow(catalog: Catalog, folder: NodeId, enough: number): Promise<number> {
  let files = 0;
  for await (const { kind, local } of catalog.below(folder)) {
    if (kind !== 'folder' && local !== true) files++;
    if (files >= enough) return files;
  }
  return files;
}
