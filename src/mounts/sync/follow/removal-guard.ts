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
  let files = 0;
  for (const id of removed) {
    const entry = catalog.get(id);
    if (entry?.id !== id) continue;
    files += entry.kind === 'folder' ? await filesBelow(catalog, id, Infinity) : 1;
  }
  if (files <= ALWAYS) return undefined;
  const enough = files * 2;
  return (await filesBelow(catalog, root, enough)) < enough ? files : undefined;
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
