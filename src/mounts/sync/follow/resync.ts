import { agreedSpace, type Entry } from '../../../cache/tree/entry.ts';
import type { SpaceState } from '../../../cache/tree/catalog.ts';
import type { NodeId } from '../../../vfs/node.ts';
import type { FeedApplier } from './apply-feed.ts';
import type { IdSet } from './id-set.ts';
import type { Replica } from '../replica.ts';

/**
 * Treats as removed what is stored of a space, was known to the cloud at `cursor`, and was not in the snapshot. Intents
 * in the journal and cached content are not touched.
 */
export async function markAbsent(
  replica: Replica,
  space: SpaceState,
  seen: IdSet,
  cursor: number,
  applier: FeedApplier,
): Promise<void> {
  const { catalog } = replica;
  const look = (entry: Entry): void => {
    const { id, parent, name, rev, local, base } = entry;
    if (agreedSpace(entry) !== space.id) return;
    if (rev === 0 || rev > cursor || local === true || base === null || seen.has(id)) return;
    applier.takeAbsence({ id, space: space.id, parent, name }, cursor);
  };
  applier.keepOnly((id) => seen.has(id));
  for (const top of [space.root, ...hidden(replica, applier)]) {
    for await (const entry of catalog.below(top)) look(entry);
  }
  // An earlier process may have left what it expected to show in a folder that never came.
  for await (const entry of catalog.everything()) if (catalog.get(entry.parent) === undefined) look(entry);
}

/** Nodes that are not shown, and may be shown again with what is stored below them. */
function hidden({ catalog, journal, nameless }: Replica, applier: FeedApplier): Set<NodeId> {
  const ids = new Set<NodeId>([...applier.waiting, ...nameless.keys()]);
  for (const { op, node, replace } of journal.all()) {
    if (op === 'remove') ids.add(node);
    if (replace !== undefined) ids.add(replace);
  }
  for (const id of ids) if (catalog.get(id)?.id === id) ids.delete(id);
  return ids;
}
