import type { Catalog } from '../cache/tree/catalog.ts';
import type { GroupWriter } from '../cache/db/group-writer.ts';
import type { Context } from '../vfs/context.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { NodeId } from '../vfs/node.ts';
import type { Conflicts } from './sync/conflict/conflicts.ts';

/** `mine`: the copy that this computer has made; `theirs`: the node that has kept the name. */
export type Kept = 'mine' | 'theirs' | 'both';

export interface ResolveParts {
  readonly catalog: Catalog;
  readonly conflicts: Conflicts;
  readonly writer: GroupWriter;
  readonly fs: FileSystem;
}

/**
 * Ends a conflict: the copy takes the place of the file that has its name, whose content stays among the versions of the name; or the
 * copy goes to the Trash; or both stay, and are not listed any more.
 * @throws ENOENT if it is over; ENOTEMPTY for a folder that would replace another one
 */
export async function resolveConflict(
  { catalog, conflicts, writer, fs }: ResolveParts,
  node: NodeId,
  kept: Kept,
  context: Context,
): Promise<void> {
  const conflict = (await conflicts.list(catalog)).find((one) => one.node === node);
  const entry = catalog.get(node);
  if (conflict === undefined || entry === undefined)
    throw new FsError('ENOENT', 'resolve', { subject: node, reason: 'this conflict is over' });
  const { parent, name, kind } = entry;
  if (kept === 'theirs')
    await (kind === 'folder' ? fs.removeTree(parent, name, context) : fs.unlink(parent, name, context));
  if (kept === 'mine' && name !== conflict.name) {
    const other = catalog.child(parent, conflict.name);
    if (other !== undefined && (kind === 'folder' || other.kind === 'folder')) {
      const reason = 'a folder does not replace another one; move what is needed, and then remove the other by hand';
      throw new FsError('ENOTEMPTY', 'resolve', { subject: conflict.path, reason });
    }
    await fs.rename({ parent, name }, { parent, name: conflict.name }, {}, context);
  }
  await writer.write([conflicts.remove(conflict.key)]);
}
