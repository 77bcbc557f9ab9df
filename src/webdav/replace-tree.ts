import { background } from '../vfs/context.ts';
import type { Context } from '../vfs/context.ts';
import type { FileSystem, Hold, Place } from '../vfs/file-system.ts';
import type { Attr } from '../vfs/node.ts';
import { find } from '../vfs/walk.ts';
import { copyMembers } from '../vfs/copy-tree.ts';
import type { CopyTreeResult, MemberFailure } from '../vfs/copy-tree.ts';
import { checkMayGo, takePlace } from './take-place.ts';

export interface ReplaceTreeOptions {
  /** Whether to copy everything below a folder. */
  readonly deep: boolean;
  /** Path of the destination. */
  readonly names: readonly string[];
  /** Temporary name of the copy, next to the destination, until it is complete. */
  readonly name: string;
}

/**
 * Copies a node to a name that another node has. The other node stays until the copy is complete, and is then replaced
 * in one step. If any member fails, the copy is removed and nothing has changed. The copy is held until then, so that
 * it is neither uploaded nor sealed under its temporary name.
 */
export async function replaceTree(
  fs: FileSystem,
  source: Attr,
  to: Place,
  { deep, names, name }: ReplaceTreeOptions,
  context: Context,
): Promise<CopyTreeResult> {
  await checkMayGo(fs, to, context);
  const aside = { parent: to.parent, name };
  const attr = await fs.copy(source.id, aside, { replace: false, finalName: to.name }, context);
  const failures: MemberFailure[] = [];
  let hold: Hold | undefined;
  let whole = false;
  let copied = 1;
  try {
    hold = await fs.hold(attr.id, context);
    if (deep && source.kind === 'folder') copied += await copyMembers(fs, source, attr, names, failures, context);
    if (failures.length === 0) await takePlace(fs, aside, to, context);
    whole = failures.length === 0;
  } finally {
    if (!whole) await discard(fs, aside, to);
    hold?.release();
  }
  return { attr, failures, copied };
}

/** Removes the copy, also when the client has gone, unless nothing else is left. */
async function discard(fs: FileSystem, { parent: folder, name }: Place, to: Place): Promise<void> {
  if ((await find(fs, to.parent, to.name, background)) !== undefined) await fs.removeTree(folder, name, background);
}
