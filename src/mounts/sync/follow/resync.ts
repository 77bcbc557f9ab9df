import { agreedSpace } from '../../../cache/tree/entry.ts';
import type { SpaceState } from '../../../cache/tree/catalog.ts';
import type { FeedApplier } from './apply-feed.ts';
import type { IdSet } from './id-set.ts';
import type { Replica } from '../replica.ts';

/**
 * Treats as removed what is shown of a space, was known to the cloud at `cursor`, and was not in the snapshot. Intents
 * in the journal and cached content are not touched.
 */
export async function markAbsent(
  { catalog }: Replica,
  space: SpaceState,
  seen: IdSet,
  cursor: number,
  applier: FeedApplier,
): Promise<void> {
  applier.keepOnly((id) => seen.has(id));
  for await (const entry of catalog.below(space.root)) {
    const { id, parent, name, rev, local, base } = entry;
    if (agreedSpace(entry) !== space.id) continue;
    if (rev === 0 || rev > cursor || local === true || base === null || seen.has(id)) continue;
    applier.takeAbsence({ id, parent, name }, cursor);
  }
}
