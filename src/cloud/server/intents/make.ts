import type { Static } from 'typebox';
import type { MkdirSchema, SymlinkSchema } from '../../http/wire.ts';
import type { Edit } from '../meta/edit.ts';
import { mayAdd } from '../meta/rights.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';
import { packXattrs } from '../meta/xattrs.ts';
import { claimId, claimPlace } from './place.ts';

/** A folder or a symlink under a free name. */
export async function make(
  edit: Edit,
  space: SpaceRow,
  intent: Static<typeof MkdirSchema> | Static<typeof SymlinkSchema>,
): Promise<NodeRow> {
  mayAdd(space, edit.caller);
  const { node: id, parent, name, mode, mtime, birthtime } = intent;
  const xattrs = packXattrs(intent.xattrs);
  await claimPlace(edit, space, intent);
  await claimId(edit, space, id);
  const target = intent.op === 'symlink' ? intent.target : null;
  return await edit.insert(space, {
    id,
    space: space.id,
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
    xattrs,
  });
}
