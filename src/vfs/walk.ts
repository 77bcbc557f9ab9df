import type { Context } from './context.ts';
import type { FileSystem, Page } from './file-system.ts';
import { FsError, isFsError, isGone } from './fs-error.ts';
import { PATH_MAX, checkName } from './name.ts';
import type { Attr, NodeId } from './node.ts';

/** Children in the first page of a walk, small so that there is something to show soon; and in the others. */
const FIRST_PAGE = 64;
const PAGE = 1000;

/** Splits a path into names; leading, trailing and doubled slashes do not count. @throws EINVAL, ENAMETOOLONG */
export function splitPath(path: string, op: string): string[] {
  if (Buffer.byteLength(path) > PATH_MAX) {
    throw new FsError('ENAMETOOLONG', op, {
      subject: `${path.slice(0, 64)}…`,
      reason: `a path can have at most ${PATH_MAX} bytes`,
    });
  }
  const names = path.split('/').filter((name) => name !== '');
  for (const name of names) checkName(name, op);
  return names;
}

/** The node at the end of the names, symlinks not followed. @throws ENOENT, ENOTDIR */
export async function walk(fs: FileSystem, names: readonly string[], context: Context): Promise<Attr> {
  let attr = await fs.getattr(fs.root, context);
  for (const name of names) attr = await fs.lookup(attr.id, name, context);
  return attr;
}

/** All children of a folder, page by page, so that memory stays constant. */
export async function* children(fs: FileSystem, folder: NodeId, context: Context): AsyncGenerator<Attr> {
  for await (const page of pages(fs, folder, context)) yield* page.entries;
}

/**
 * All children of a folder in pages; a folder that is removed during the walk has no further ones.
 * @throws as the first `readdir` does
 */
export async function* pages(fs: FileSystem, folder: NodeId, context: Context): AsyncGenerator<Page> {
  let page = await fs.readdir(folder, { limit: FIRST_PAGE }, context);
  yield page;
  while (page.more) {
    const last = page.entries.at(-1);
    if (last === undefined) return;
    try {
      page = await fs.readdir(folder, { after: last.name, limit: PAGE }, context);
    } catch (error) {
      if (isGone(error)) return;
      throw error;
    }
    yield page;
  }
}

/** The child with this name, or `undefined` if there is none; every other failure is thrown. */
export async function find(fs: FileSystem, folder: NodeId, name: string, context: Context): Promise<Attr | undefined> {
  try {
    return await fs.lookup(folder, name, context);
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
