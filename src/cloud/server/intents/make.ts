import type { Static } from 'typebox';
import type { MkdirSchema, SymlinkSchema } from '../../http/wire.ts';
import type { NewNode, Transaction } from '../meta/transaction.ts';
import { replaceNode, trashNode } from '../meta/removal.ts';
import { packPosix } from '../meta/posix.ts';
import { mayAdd, mayChange } from '../meta/rights.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';
import { packXattrs } from '../meta/xattrs.ts';
import { checkReplaceable, claimId, claimPlace } from './place.ts';

type Make = Static<typeof MkdirSchema> | Static<typeof SymlinkSchema>;

/** Creates a folder or a symlink under a free name, or in place of another node. */
export async function make(transaction: Transaction, space: SpaceRow, intent: Make): Promise<NodeRow> {
  mayAdd(space, transaction);
  const node = madeBy(intent);
  if (intent.replace !== undefined) mayChange(space, transaction);
  const replaced = await claimPlace(transaction, space, intent, [intent.replace]);
  if (replaced !== undefined) await checkReplaceable(transaction, node.kind, replaced, intent.replaceBase);
  await claimId(transaction, space, node.id);
  // A symlink cannot own versions, so a replaced file keeps its versions and goes to the Trash with them.
  if (replaced !== undefined) await (replaced.kind === 'file' ? trashNode : replaceNode)(transaction, space, replaced);
  return await transaction.insert(space, node);
}

/** The folder or symlink as the intent describes it. @throws too_large */
export function madeBy(intent: Make): NewNode {
  const { node: id, space, parent, name, mode, mtime, birthtime } = intent;
  const target = intent.op === 'symlink' ? intent.target : null;
  return {
    id,
    space,
    parent,
    name,
    kind: target === null ? 'folder' : 'symlink',
    mode,
    mtime,
    birthtime,
    size: target === null ? 0 : Buffer.byteLength(target),
    version: null,
    hash: null,
    target,
    xattrs: packXattrs(intent.xattrs),
    posix: packPosix(intent.posix),
  };
}
