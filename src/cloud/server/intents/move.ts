import type { Place } from '../../../vfs/file-system.ts';
import type { Static } from 'typebox';
import type { MoveSchema } from '../../http/wire.ts';
import { Refusal } from '../refusal.ts';
import { liveNode, type Transaction } from '../meta/transaction.ts';
import { nodeRecord } from '../meta/records.ts';
import { replaceNode, trashNode } from '../meta/removal.ts';
import { depart } from '../meta/departures.ts';
import { carry, subtree } from '../meta/relabel.ts';
import { mayChange } from '../meta/rights.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';
import { mountsBelow } from '../meta/shares.ts';
import { checkMovable, moveVersions } from '../meta/moved-versions.ts';
import { copyVersions, inheritVersions, makeNewest, thinVersions } from '../meta/versions.ts';
import { checkReplaceable, claimPlace } from './place.ts';

type Move = Static<typeof MoveSchema>;

export async function move(transaction: Transaction, space: SpaceRow, intent: Move): Promise<NodeRow> {
  mayChange(space, transaction);
  if (intent.targetSpace !== undefined && intent.targetSpace !== space.id)
    return await moveAcross(transaction, space, intent);
  const node = await liveNode(transaction, space, intent.node);
  const { parent, name, replace, replaceBase } = intent;
  checkSource(node, intent);
  const holder = await claimPlace(transaction, space, intent, [node.id, replace]);
  const replaced = holder?.id === node.id ? undefined : holder;
  if (node.kind === 'folder') await checkNoCycle(transaction, space, node, intent);
  if (replaced !== undefined) await checkReplaceable(transaction, node.kind, replaced, replaceBase);
  // A file's versions have nowhere to go below a symlink, so they stay with it in the Trash.
  const inherits = node.kind === 'file' || replaced?.kind !== 'file';
  if (replaced !== undefined) await (inherits ? replaceNode : trashNode)(transaction, space, replaced);
  const row = await transaction.update(space, node, { parent, name });
  if (replaced !== undefined && inherits) await adopt(transaction, space, row, replaced);
  if (replaced === undefined && intent.predecessor !== undefined) {
    await copyVersions(transaction, space, intent.predecessor, row);
  }
  return row;
}

/** To another space: the node and all below it keep their ids, and leave a tombstone where they were. */
async function moveAcross(transaction: Transaction, from: SpaceRow, intent: Move): Promise<NodeRow> {
  const to = await transaction.space(intent.targetSpace ?? '');
  checkCrossing(transaction, from, to);
  const node = await liveNode(transaction, from, intent.node);
  checkSource(node, intent);
  if (node.mount !== null || (await mountsBelow(transaction, from, node)).length > 0) {
    throw new Refusal('forbidden', 'shared folders do not nest, and none is moved out of Sync');
  }
  const { parent, name, replace, replaceBase } = intent;
  const replaced = await claimPlace(transaction, to, intent, [replace]);
  if (replaced !== undefined) await checkReplaceable(transaction, node.kind, replaced, replaceBase);
  const below =
    node.kind === 'folder' ? await subtree(await transaction.connection(), node.id, { removed: false }) : [];
  const files = [node, ...below].filter(({ kind }) => kind === 'file').map(({ id }) => id);
  await checkMovable(transaction, from, to, files);
  const inherits = node.kind === 'file' || replaced?.kind !== 'file';
  if (replaced !== undefined) await (inherits ? replaceNode : trashNode)(transaction, to, replaced);
  await depart(transaction, from, node, to);
  await moveVersions(transaction, from, to, files);
  await carry(transaction, [node, ...below], from, to);
  const carried = (await transaction.node(node.id, to)) ?? node;
  const row = await transaction.update(to, carried, { parent, name });
  if (replaced !== undefined && inherits) await adopt(transaction, to, row, replaced);
  return row;
}

/** Only what is in Sync, or shared in it, moves between spaces. */
function checkCrossing(transaction: Transaction, from: SpaceRow, to: SpaceRow): void {
  mayChange(to, transaction);
  const crossing = [from, to].every(({ kind }) => kind === 'sync' || kind === 'shared');
  if (!crossing)
    throw new Refusal('forbidden', 'only in Sync, and in what is shared in it, does a node move between spaces');
}

function checkSource(node: NodeRow, { from }: Move): void {
  if (node.parent === from.parent && node.name === from.name) return;
  throw new Refusal('conflict', 'the node is no longer in the expected place', { current: nodeRecord(node) });
}

async function checkNoCycle(transaction: Transaction, space: SpaceRow, node: NodeRow, place: Place): Promise<void> {
  let at = place.parent;
  while (at !== space.root) {
    if (at === node.id) {
      throw new Refusal('conflict', 'a folder cannot be moved into itself', { current: nodeRecord(node) });
    }
    at = (await transaction.node(at, space))?.parent ?? space.root;
  }
}

// The node's own version becomes the newest, even if the replaced node's versions were written later.
async function adopt(transaction: Transaction, space: SpaceRow, node: NodeRow, replaced: NodeRow): Promise<void> {
  if (node.kind !== 'file' || node.version === null) return;
  await makeNewest(transaction, node, node.version);
  await inheritVersions(transaction, space, replaced, node);
  await thinVersions(transaction, space, node.id);
}
