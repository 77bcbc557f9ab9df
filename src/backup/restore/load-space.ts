import type { NodePast, SpaceRecord } from '../../cloud/records.ts';
import type { Remote } from '../../cloud/remote.ts';
import type { Context } from '../../vfs/context.ts';
import type { Lack, SpaceNodes } from './cloud-tree.ts';
import type { TreeNode } from './node-entry.ts';
import { stateAt } from './state-at.ts';

/** The nodes of a space as they were at a time, ms since 1970. @throws as `Remote` */
export async function loadPast(
  remote: Remote,
  space: SpaceRecord,
  time: number,
  context: Context,
): Promise<SpaceNodes> {
  const records: NodePast[] = [];
  for await (const record of remote.past(space.id, context)) records.push(record);
  return stateAt(records, space.root, time);
}

/** The nodes of a space as they are now. @throws as `Remote` */
export async function loadCurrent(remote: Remote, space: SpaceRecord, context: Context): Promise<SpaceNodes> {
  const nodes: TreeNode[] = [];
  const lacks: Lack[] = [];
  for await (const item of remote.snapshot(space.id, context)) {
    if ('fault' in item) lacks.push({ path: item.name ?? '?', reason: `its record makes no sense: ${item.fault}` });
    else if ('id' in item && !item.removed) nodes.push(item);
  }
  return { nodes, lacks };
}
