import type { NodePast, SpaceRecord } from '../../cloud/records.ts';
import type { Remote } from '../../cloud/remote.ts';
import type { Context } from '../../vfs/context.ts';
import type { Lack, SpaceGroup, SpaceNodes } from './cloud-tree.ts';
import type { TreeNode } from './node-entry.ts';
import { stateAt } from './state-at.ts';

/**
 * The nodes of a space as they were at a time, ms since 1970, with those of the shared spaces in it: a node may have come from one
 * into the other.
 * @throws as `Remote`
 */
export async function loadPast(
  remote: Remote,
  { space, shared = [] }: SpaceGroup,
  time: number,
  context: Context,
): Promise<SpaceNodes> {
  const records: NodePast[] = [];
  const places = placesOf(shared);
  for (const { id } of [space, ...shared]) {
    for await (const { node, places: earlier, ...record } of remote.past(id, context)) {
      const before = earlier.map((place) => placed(place, places));
      records.push({ ...record, node: placed(node, places), places: before });
    }
  }
  return stateAt(records, space.root, time);
}

/** The nodes of a space as they are now, with those of the shared spaces in it. @throws as `Remote` */
export async function loadCurrent(
  remote: Remote,
  { space, shared = [] }: SpaceGroup,
  context: Context,
): Promise<SpaceNodes> {
  const nodes: TreeNode[] = [];
  const lacks: Lack[] = [];
  const places = placesOf(shared);
  for (const { id } of [space, ...shared]) {
    for await (const item of remote.snapshot(id, context)) {
      if ('fault' in item) lacks.push({ path: item.name ?? '?', reason: `its record makes no sense: ${item.fault}` });
      else if ('id' in item && !item.removed) nodes.push(placed(item, places));
    }
  }
  return { nodes, lacks };
}

/** By the roots of shared spaces, the folders of Sync under which the account has them. */
function placesOf(shared: readonly SpaceRecord[]): Map<string, string> {
  return new Map(shared.flatMap(({ root, place }) => (place === undefined ? [] : [[root, place]])));
}

function placed<T extends { readonly parent: string }>(node: T, places: ReadonlyMap<string, string>): T {
  const parent = places.get(node.parent);
  return parent === undefined ? node : { ...node, parent };
}
