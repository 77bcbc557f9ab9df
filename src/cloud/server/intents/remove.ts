import type { Static } from 'typebox';
import type { RemoveSchema } from '../../http/wire.ts';
import { Refusal } from '../refusal.ts';
import { absent, topOf, type Transaction } from '../meta/transaction.ts';
import { nodeRecord } from '../meta/records.ts';
import { changedBelow, hasChildren, trashNode } from '../meta/removal.ts';
import { mayChange } from '../meta/rights.ts';
import { leaveBelow } from '../meta/shares.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';

export async function remove(
  transaction: Transaction,
  space: SpaceRow,
  intent: Static<typeof RemoveSchema>,
): Promise<NodeRow> {
  mayChange(space, transaction);
  const node = await transaction.node(intent.node, space);
  if (node === undefined) throw await absent(transaction, space, intent.node);
  const top = await topOf(transaction, space, node);
  // The revision is that of the removal, so that what has been restored since can be told from what went with the folder.
  if (top?.removed !== null) return { ...node, removed: top?.removed ?? transaction.now, rev: top?.rev ?? node.rev };
  await checkUnchanged(transaction, node, intent);
  await leaveBelow(transaction, space, node);
  // A shared folder that was left is gone already.
  return node.mount === null
    ? await trashNode(transaction, space, node)
    : ((await transaction.node(node.id, space)) ?? node);
}

async function checkUnchanged(
  transaction: Transaction,
  node: NodeRow,
  intent: Static<typeof RemoveSchema>,
): Promise<void> {
  const current = nodeRecord(node);
  if (node.kind === 'file' && node.version !== intent.base) {
    throw new Refusal('conflict', 'another version is the current one', { current });
  }
  if (node.kind === 'folder' && intent.empty === true) {
    if (!(await hasChildren(await transaction.connection(), node.id))) return;
    throw new Refusal('conflict', 'the folder is not empty', { current });
  }
  if (
    node.kind === 'folder' &&
    (await changedBelow(await transaction.connection(), node, intent.seen, transaction.caller.device))
  ) {
    throw new Refusal('conflict', 'another device changed something in the folder', { current });
  }
}
