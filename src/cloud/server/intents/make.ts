import type { Static } from 'typebox';
import type { MkdirSchema, SymlinkSchema } from '../../http/wire.ts';
import type { Transaction } from '../meta/transaction.ts';
import { replaceNode, trashNode } from '../meta/removal.ts';
import { packPosix } from '../meta/posix.ts';
import { mayAdd, mayChange } from '../meta/rights.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';
import { packXattrs } from '../meta/xattrs.ts';
import { checkReplaceable, claimId, claimPlace } from './place.ts';

/** Creates a folder or a symlink under a free name, or in place of another node. */
export async function make(
  transaction: Transaction,
  space: SpaceRow,
  intent: Static<typeof MkdirSchema> | Static<typeof SymlinkSchema>,
): Promise<NodeRow> {
  mayAdd(space, transaction);
  const { node: id, parent, name, mode, mtime, birthtime } = intent;
  const xattrs = packXattrs(intent.xattrs);
  if (intent.replace !== undefined) mayChange(space, transaction);
  const replaced = await claimPlace(transaction, space, intent, [intent.replace]);
  const target = intent.op === 'symlink' ? intent.target : null;
  const kind = target === null ? 'folder' : 'symlink';
  if (replaced !== undefined) await checkReplaceable(transaction, kind, replaced, intent.replaceBase);
  await claimId(transaction, space, id);
  // A symlink cannot own versions, so a replaced file keeps its versions and goes to the Trash with them.
  if (replaced !== undefined) await (replaced.kind === 'file' ? trashNode : replaceNode)(transaction, space, replaced);
  return await transaction.insert(space, {
    id,
    space: space.id,
    parent,
    name,
    kind,
    mode,
    mtime,
    birthtime,
    size: target === null ? 0 : Buffer.byteLength(target),
    version: null,
    hash: null,
    target,
    xattrs,
    posix: packPosix(intent.posix),
  });
}
