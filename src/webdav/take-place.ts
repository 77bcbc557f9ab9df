import type { Context } from '../vfs/context.ts';
import type { FileSystem, Place } from '../vfs/file-system.ts';

/**
 * Moves a node to a name that another node has, whatever their kinds; the other node is removed with everything below
 * it. Both changes are requested in one turn of the event loop, so they are recorded together, and the name is never
 * seen to be free, even after a crash. The caller must first check with `checkMayGo` or a rename that the other node
 * may be removed.
 */
export async function takePlace(fs: FileSystem, from: Place, to: Place, context: Context): Promise<void> {
  // Thrown at once, nothing has happened; rejected later, the name is still taken and the rename fails as well.
  const removed = Promise.resolve(fs.removeTree(to.parent, to.name, context));
  const moved = (async () => fs.rename(from, to, { noReplace: true }, context))();
  const [removal, move] = await Promise.allSettled([removed, moved]);
  if (removal.status === 'rejected') throw removal.reason;
  if (move.status === 'rejected') throw move.reason;
}

/** Checks that the mount permits removing a node, by renaming it to its own name, which is refused if removing is. */
export async function checkMayGo(fs: FileSystem, place: Place, context: Context): Promise<void> {
  await fs.rename(place, place, {}, context);
}
