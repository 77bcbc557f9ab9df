import type { Context } from '../vfs/context.ts';
import type { FileSystem, Place } from '../vfs/file-system.ts';

/**
 * Moves a node to a name that another node has, whatever the two are; the other is removed with all below it. Both are
 * asked for in one turn of the event loop, so that they are promised together: nobody finds the name empty, also not after
 * the end of the process. Judge with `checkMayGo` or a rename before what must not be removed.
 */
export async function takePlace(fs: FileSystem, from: Place, to: Place, context: Context): Promise<void> {
  // Thrown at once, nothing has happened; rejected later, the name is still taken and the rename fails as well.
  const removed = Promise.resolve(fs.removeTree(to.parent, to.name, context));
  const moved = (async () => fs.rename(from, to, { noReplace: true }, context))();
  const [removal, move] = await Promise.allSettled([removed, moved]);
  if (removal.status === 'rejected') throw removal.reason;
  if (move.status === 'rejected') throw move.reason;
}

/** Asks whether the mount would let go of a node: renaming it to its own name is refused where removing it is. */
export async function checkMayGo(fs: FileSystem, place: Place, context: Context): Promise<void> {
  await fs.rename(place, place, {}, context);
}
