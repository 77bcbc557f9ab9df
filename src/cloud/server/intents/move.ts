import type { Place } from '../../../vfs/file-system.ts';
import type { Static } from 'typebox';
import type { MoveSchema } from '../../http/wire.ts';
import { Refusal } from '../refusal.ts';
import { liveNode, type Edit } from '../meta/edit.ts';
import { nodeRecord } from '../meta/records.ts';
import { replaceNode, trashNode } from '../meta/removal.ts';
import { mayChange } from '../meta/rights.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';
import { copyVersions, inheritVersions, makeNewest, thinVersions } from '../meta/versions.ts';
import { checkReplaceable, claimPlace } from './place.ts';

export async function move(edit: Edit, space: SpaceRow, intent: Static<typeof MoveSchema>): Promise<NodeRow> {
  mayChange(space, edit.caller);
  const node = await liveNode(edit, space, intent.node);
  const { from, parent, name, replace, replaceBase } = intent;
  if (node.parent !== from.parent || node.name !== from.name) {
    throw new Refusal('conflict', 'the node is not where it was expected', { current: nodeRecord(node) });
  }
  const holder = await claimPlace(edit, space, intent, [node.id, replace]);
  const replaced = holder?.id === node.id ? undefined : holder;
  if (node.kind === 'folder') await checkNoCycle(edit, space, node, intent);
  if (replaced !== undefined) await checkReplaceable(edit, node.kind, replaced, replaceBase);
  // A file's versions have nowhere to go below a symlink, so they stay with it in the Trash.
  const inherits = node.kind === 'file' || replaced?.kind !== 'file';
  if (replaced !== undefined) await (inherits ? replaceNode : trashNode)(edit, space, replaced);
  const row = await edit.update(space, node, { parent, name });
  if (replaced !== undefined && inherits) await adopt(edit, space, row, replaced);
  if (replaced === undefined && intent.predecessor !== undefined) {
    await copyVersions(edit, space, intent.predecessor, row);
  }
  return row;
}

async function checkNoCycle(edit: Edit, space: SpaceRow, node: NodeRow, place: Place): Promise<void> {
  let at = place.parent;
  while (at !== space.root) {
    if (at === node.id) {
      throw new Refusal('conflict', 'a folder does not move into itself', { current: nodeRecord(node) });
    }
    at = (await edit.node(at, space))?.parent ?? space.root;
  }
}

// The node's own version becomes the newest, also when the replaced ones were written after it.
async function adopt(edit: Edit, space: SpaceRow, node: NodeRow, replaced: NodeRow): Promise<void> {
  if (node.kind !== 'file' || node.version === null) return;
  await makeNewest(edit, node, node.version);
  await inheritVersions(edit, replaced, node);
  await thinVersions(edit, space, node.id);
}
