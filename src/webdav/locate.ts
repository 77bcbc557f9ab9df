import type { Awaitable, Context } from '../vfs/context.ts';
import type { FileSystem, Place } from '../vfs/file-system.ts';
import { FsError, isFsError } from '../vfs/fs-error.ts';
import type { Attr, NodeId } from '../vfs/node.ts';
import { DavError } from './dav-error.ts';
import type { DavPath } from './path.ts';

// eslint-disable-next-line no-control-regex
const ascii = /^[\u0000-\u007f]*$/;

/** The node that a path names, or the place where it would be created. */
export interface Target {
  readonly path: DavPath;
  /** The parent folder; `undefined` if it does not exist. The root's parent is the root itself. */
  readonly parent: Attr | undefined;
  /** The name as it is stored, or, if there is no such node, as it was requested. */
  readonly name: string;
  readonly attr: Attr | undefined;
}

/**
 * The child with this name, or else one whose name is equal after Unicode normalisation, as macOS requests names in NFD
 * that other systems wrote in NFC. `undefined` if there is none.
 */
export function lookup(fs: FileSystem, folder: NodeId, name: string, context: Context): Awaitable<Attr | undefined> {
  try {
    const found = fs.lookup(folder, name, context);
    if (!(found instanceof Promise)) return found;
    return found.catch((error: unknown) => otherForm(fs, folder, name, context, error));
  } catch (error) {
    return otherForm(fs, folder, name, context, error);
  }
}

async function otherForm(
  fs: FileSystem,
  folder: NodeId,
  name: string,
  context: Context,
  error: unknown,
): Promise<Attr | undefined> {
  if (!isFsError(error, 'ENOENT')) throw error;
  if (ascii.test(name)) return undefined;
  for (const form of new Set([name.normalize('NFC'), name.normalize('NFD')])) {
    if (form === name) continue;
    try {
      return await fs.lookup(folder, form, context);
    } catch (error) {
      if (!isFsError(error, 'ENOENT') && !isFsError(error, 'ENAMETOOLONG')) throw error;
    }
  }
  return undefined;
}

/** The node at a path. @throws ENOENT, ENOTDIR */
export async function find(fs: FileSystem, path: DavPath, context: Context): Promise<Attr> {
  let attr: Attr | undefined;
  let id = fs.root;
  for (const name of path.names) {
    const found = lookup(fs, id, name, context);
    attr = found instanceof Promise ? await found : found;
    if (attr === undefined) throw new FsError('ENOENT', 'lookup', { subject: name });
    id = attr.id;
  }
  return checkSlash(path, attr ?? (await fs.getattr(id, context)));
}

/** The node at the path of these names; `undefined` if there is none. */
export async function lookupPath(
  fs: FileSystem,
  names: readonly string[],
  context: Context,
): Promise<Attr | undefined> {
  return (await locate(fs, { names, slash: false }, context)).attr;
}

/** The node at a path and its parent folder; neither needs to exist. */
export async function locate(fs: FileSystem, path: DavPath, context: Context): Promise<Target> {
  let attr: Attr | undefined = await fs.getattr(fs.root, context);
  let parent: Attr | undefined = attr;
  for (const name of path.names) {
    if (attr?.kind !== 'folder') return { path, parent: undefined, name: path.names.at(-1) ?? '', attr: undefined };
    parent = attr;
    const found = lookup(fs, parent.id, name, context);
    attr = found instanceof Promise ? await found : found;
  }
  if (attr !== undefined) checkSlash(path, attr);
  return { path, parent, name: attr?.name ?? path.names.at(-1) ?? '', attr };
}

/** The node of a target. @throws ENOENT if it does not exist */
export function existing(target: Target): Attr {
  if (target.attr === undefined) throw new FsError('ENOENT', 'lookup', { subject: target.name });
  return target.attr;
}

/**
 * The place where the target is or would be created. @throws DavError 409 if its folder does not exist, 403 for the
 * root
 */
export function placeOf(target: Target): Place {
  if (target.path.names.length === 0)
    throw new DavError(403, 'The root of the drive cannot be replaced, moved or removed.');
  if (target.parent === undefined) throw new DavError(409, 'The folder that this name would be in does not exist.');
  return { parent: target.parent.id, name: target.name };
}

/** Refuses `/file.txt/`, as only a folder's address may end in a slash. */
function checkSlash(path: DavPath, attr: Attr): Attr {
  if (path.slash && attr.kind !== 'folder') throw new FsError('ENOTDIR', 'lookup', { subject: attr.name });
  return attr;
}
