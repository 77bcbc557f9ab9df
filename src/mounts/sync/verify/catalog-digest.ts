import type { Catalog, SpaceState } from '../../../cache/tree/catalog.ts';
import { agreedSpace } from '../../../cache/tree/entry.ts';
import { TreeDigest } from '../../../cloud/tree-digest.ts';
import { agreedNode } from './agreed.ts';

/** Entries that are read before others get their turn. */
const PAGE = 500;

/** In place of its revision: an entry that cannot be found by its id, or is the second one of a node, equals nothing. */
const MISPLACED = -1;

/** Waits after each page, which has taken `worked` ms. */
export type Pace = (worked: number) => Promise<void>;

/** The digests of spaces, as this computer knows them. Entries that change meanwhile may be missed, or be there twice. */
export async function digestCatalog(
  catalog: Catalog,
  spaces: readonly SpaceState[],
  pace: Pace,
): Promise<Map<string, TreeDigest>> {
  const states = new Map(spaces.map((space) => [space.id, space]));
  const digests = new Map(spaces.map(({ id }) => [id, new TreeDigest()]));
  let begin = performance.now();
  let count = 0;
  for await (const entry of catalog.everything()) {
    const space = states.get(agreedSpace(entry));
    const node = space === undefined ? undefined : agreedNode(entry, space);
    if (space !== undefined && node !== undefined) {
      digests.get(space.id)?.add(catalog.isPlaced(entry) ? node : { ...node, rev: MISPLACED });
    }
    if (++count % PAGE > 0) continue;
    await pace(performance.now() - begin);
    begin = performance.now();
  }
  return digests;
}
