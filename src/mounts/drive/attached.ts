import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Entry } from '../../cache/tree/entry.ts';

/** True if the node can be reached from the root; false below a folder that is being removed. */
export function isAttached(catalog: Catalog, entry: Entry): boolean {
  let at: Entry | undefined = catalog.get(entry.id);
  for (let depth = 0; at !== undefined && depth < 4096; depth++) {
    if (at.parent === at.id) return true;
    at = catalog.get(at.parent);
  }
  return false;
}
