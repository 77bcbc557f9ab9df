import type { Static } from 'typebox';
import type { AttrSchema } from '../../http/wire.ts';
import { liveNode, type Transaction } from '../meta/transaction.ts';
import { mayChange } from '../meta/rights.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';
import { packPosix } from '../meta/posix.ts';
import { changeXattrs } from '../meta/xattrs.ts';

/** Sets attributes. Those that the intent does not contain stay unchanged. */
export async function attr(
  transaction: Transaction,
  space: SpaceRow,
  intent: Static<typeof AttrSchema>,
): Promise<NodeRow> {
  mayChange(space, transaction);
  const node = await liveNode(transaction, space, intent.node);
  return await transaction.update(space, node, {
    mode: intent.mode ?? node.mode,
    mtime: intent.mtime ?? node.mtime,
    birthtime: intent.birthtime ?? node.birthtime,
    xattrs: intent.xattrs === undefined ? node.xattrs : changeXattrs(node.xattrs, intent.xattrs),
    posix: intent.posix === undefined ? node.posix : packPosix(intent.posix),
  });
}
