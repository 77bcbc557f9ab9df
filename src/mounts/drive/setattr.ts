import { attrOf, FIXED, type Entry, nextCtime } from '../../cache/tree/entry.ts';
import type { Context } from '../../vfs/context.ts';
import { assign } from '../../vfs/assign.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr, AttrChanges, NodeId } from '../../vfs/node.ts';
import { checkSize, modeOf, timeOf, withXattrs } from './attr-values.ts';
import { type Ground, nodeOf, submit } from './ground.ts';
import { planAttr, withBase } from '../intents/plan.ts';

/**
 * Applies all of the changes or none, except when the disk fills while the size changes. @throws EISDIR, EINVAL, EROFS
 */
export async function setAttr(ground: Ground, id: NodeId, changes: AttrChanges, context: Context): Promise<Attr> {
  const before = nodeOf(ground, id, 'setattr');
  if (isFixed(ground, before)) {
    throw new FsError('EROFS', 'setattr', { subject: before.name, reason: 'this folder is fixed' });
  }
  changed(before, changes);
  if (changes.size !== undefined) await resize(ground, before, changes.size, context);
  const { size: _size, ...others } = changes;
  if (Object.keys(others).length === 0) return attrOf(nodeOf(ground, id, 'setattr'));
  return await changeMetadata(ground, id, others);
}

async function changeMetadata(ground: Ground, id: NodeId, changes: Omit<AttrChanges, 'size'>): Promise<Attr> {
  const { catalog, planner, files, now, activity } = ground;
  const known = nodeOf(ground, id, 'setattr');
  const after: Entry = { ...changed(known, changes), ctime: nextCtime(known, now()) };
  const mtime = changes.mtime === undefined ? undefined : after.mtime;
  files.get(known.id)?.content.amend({ mtime, ctime: after.ctime });
  const cleared = Object.entries(changes.xattrs ?? {}).flatMap(([name, value]) => (value === null ? [name] : []));
  const ops =
    known.local === true
      ? [catalog.update(after)]
      : [...planner.ops(planAttr(known, planner.waiting(known.id), cleared)), catalog.update(withBase(after))];
  activity.changed(known.id);
  await submit(ground, ops, [{ what: 'node', node: known.id, content: false }]);
  return attrOf(after);
}

/** The size goes through the open file, so that all handles and the journal see it as they see a write. */
async function resize(ground: Ground, entry: Entry, size: number, context: Context): Promise<void> {
  if (entry.kind === 'folder') throw new FsError('EISDIR', 'truncate', { subject: entry.name });
  if (entry.kind === 'symlink') throw new FsError('EINVAL', 'truncate', { subject: entry.name });
  const file = ground.files.acquire(entry, { write: true });
  try {
    await file.truncate(size, context);
  } finally {
    await ground.files.release(file, { write: true });
  }
}

/** The entry with the changes, but for the size, which is only checked. @throws EINVAL, EFBIG, ENOSPC */
export function changed(entry: Entry, { mode, mtime, birthtime, size, xattrs }: AttrChanges): Entry {
  if (size !== undefined) checkSize(size, 'truncate');
  const { xattrs: had, ...rest } = entry;
  const kept = had === undefined ? {} : { xattrs: had };
  return assign(rest, {
    ...(xattrs === undefined ? kept : withXattrs(had ?? {}, xattrs, 'setattr')),
    ...(mode === undefined ? {} : { mode: modeOf(mode, entry.kind) }),
    ...(mtime === undefined ? {} : { mtime: timeOf(mtime, 'setattr') }),
    ...(birthtime === undefined ? {} : { birthtime: timeOf(birthtime, 'setattr') }),
  });
}

/** True for what hangs in a branch: the branches themselves and the roots of spaces. */
function isFixed({ catalog }: Ground, entry: Entry): boolean {
  return entry.space === FIXED || catalog.get(entry.parent)?.space === FIXED;
}
