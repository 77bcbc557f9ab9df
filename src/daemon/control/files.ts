import { posix } from 'node:path';
import type { Context } from '../../vfs/context.ts';
import { copyTree, type MemberFailure } from '../../vfs/copy-tree.ts';
import type { FileHandle, FileSystem } from '../../vfs/file-system.ts';
import { FsError, isFsError, isGone } from '../../vfs/fs-error.ts';
import type { Attr, NewAttr } from '../../vfs/node.ts';
import { children, splitPath, walk } from '../../vfs/walk.ts';
import type { Copied, CopyBody, Listed } from './file-wire.ts';

/** Bytes per read. */
const CHUNK = 1024 * 1024;

/** The node at a path; symlinks are not followed. Errors name the path. @throws ENOENT, ENOTDIR */
export async function resolve(fs: FileSystem, path: string, op: string, context: Context): Promise<Attr> {
  try {
    return await walk(fs, splitPath(path, op), context);
  } catch (error) {
    throw named(error, op, path);
  }
}

export async function list(fs: FileSystem, attr: Attr, path: string, context: Context): Promise<Listed> {
  const { name, kind, size, mode, mtime, version } = attr;
  const target = kind === 'symlink' ? { target: await fs.readlink(attr.id, context) } : {};
  const facts = (await fs.facts?.(attr.id, context)) ?? {};
  const { availability } = facts;
  const where = availability === undefined ? {} : { availability };
  const pinned = facts['pinned'] === 'yes' ? ({ pinned: true } as const) : {};
  return { path: posix.join('/', path), name, kind, size, mode, mtime, version, ...where, ...pinned, ...target };
}

/** Yields the members of a folder, or the file itself; with `recursive`, each folder before its content. */
export async function* listBelow(
  fs: FileSystem,
  { path, recursive = false }: { readonly path: string; readonly recursive?: boolean },
  context: Context,
): AsyncGenerator<Listed> {
  const attr = await resolve(fs, path, 'ls', context);
  if (attr.kind === 'folder') yield* below(fs, attr, path, recursive, context);
  else yield await list(fs, attr, path, context);
}

async function* below(
  fs: FileSystem,
  folder: Attr,
  path: string,
  recursive: boolean,
  context: Context,
): AsyncGenerator<Listed> {
  for await (const child of children(fs, folder.id, context)) {
    const at = posix.join('/', path, child.name);
    try {
      yield await list(fs, child, at, context);
      if (recursive && child.kind === 'folder') yield* below(fs, child, at, recursive, context);
    } catch (error) {
      // It was removed after its folder was read.
      if (!isGone(error)) throw error;
    }
  }
}

/** Opens a file. Resolves to its record and its bytes. An error of opening is thrown before the first byte. */
export async function openFile(
  fs: FileSystem,
  path: string,
  context: Context,
): Promise<[Listed, AsyncGenerator<Buffer>]> {
  const attr = await resolve(fs, path, 'open', context);
  if (attr.kind === 'folder') throw new FsError('EISDIR', 'open', { subject: path });
  const file = await list(fs, attr, path, context);
  try {
    return [file, readAll(await fs.open(attr.id, { read: true, write: false, snapshot: true }, context), context)];
  } catch (error) {
    throw named(error, 'open', path);
  }
}

async function* readAll(handle: FileHandle, context: Context): AsyncGenerator<Buffer> {
  try {
    for (let position = 0; ;) {
      const buffer = Buffer.allocUnsafe(CHUNK);
      const count = await handle.read(buffer, position, context);
      if (count > 0) yield buffer.subarray(0, count);
      if (count < CHUNK) return;
      position += count;
    }
  } finally {
    await handle.close();
  }
}

/** Replaces the content of the file at a path, completely or not at all. The folder must exist. */
export async function writeFile(
  fs: FileSystem,
  path: string,
  attr: NewAttr,
  body: AsyncIterable<Uint8Array>,
  context: Context,
): Promise<Listed> {
  const [folder, name] = await place(fs, path, 'put', context);
  const draft = await fs.draft(folder.id, name, attr, context);
  try {
    for await (const chunk of body) await draft.append(chunk, context);
    return await list(fs, await draft.commit({}, context), path, context);
  } finally {
    await draft.discard();
  }
}

/** Creates a folder and missing folders above it. */
export async function makeFolders(fs: FileSystem, path: string, context: Context): Promise<void> {
  let folder = await fs.getattr(fs.root, context);
  for (const name of splitPath(path, 'mkdir')) folder = await enter(fs, folder, name, context);
  if (folder.kind !== 'folder')
    throw new FsError('EEXIST', 'mkdir', { subject: path, reason: 'a file already has this name' });
}

async function enter(fs: FileSystem, folder: Attr, name: string, context: Context): Promise<Attr> {
  try {
    return await fs.lookup(folder.id, name, context);
  } catch (error) {
    if (!isFsError(error, 'ENOENT')) throw error;
    return fs.mkdir(folder.id, name, {}, context);
  }
}

/** Copies within the drive, by reference, without moving content. A file replaces a file. */
export async function copy(fs: FileSystem, { path, to, recursive }: CopyBody, context: Context): Promise<Copied> {
  const source = await resolve(fs, path, 'copy', context);
  if (source.kind === 'folder' && recursive !== true) {
    throw new FsError('EISDIR', 'copy', {
      subject: path,
      reason: 'it is a folder; use -r to copy it with everything in it',
    });
  }
  const [folder, name] = await place(fs, to, 'copy', context);
  const names = splitPath(to, 'copy');
  if (source.kind === 'folder' && isWithin(names, splitPath(path, 'copy'))) {
    throw new FsError('EINVAL', 'copy', { subject: to, reason: 'a folder cannot be copied into itself' });
  }
  try {
    const options = { deep: true, replace: source.kind !== 'folder', names };
    const { copied, failures } = await copyTree(fs, source, { parent: folder.id, name }, options, context);
    return { nodes: copied, failures: failures.map(failure) };
  } catch (error) {
    throw named(error, 'copy', to);
  }
}

function failure({ names, error }: MemberFailure): Copied['failures'][number] {
  return { path: posix.join('/', ...names), reason: error.reason ?? error.code };
}

function isWithin(names: readonly string[], folder: readonly string[]): boolean {
  return folder.every((name, i) => names[i] === name);
}

export async function makeSymlink(fs: FileSystem, path: string, target: string, context: Context): Promise<void> {
  const [folder, name] = await place(fs, path, 'symlink', context);
  await fs.symlink(folder.id, name, target, context);
}

/** The parent folder and last name of a path. */
async function place(fs: FileSystem, path: string, op: string, context: Context): Promise<[Attr, string]> {
  const name = splitPath(path, op).at(-1);
  if (name === undefined) throw new FsError('EISDIR', op, { subject: path });
  return [await resolve(fs, posix.dirname(posix.join('/', path)), op, context), name];
}

/** The same error with the whole path as its subject, instead of a name or an id. */
function named(error: unknown, op: string, path: string): unknown {
  if (!isFsError(error)) return error;
  return new FsError(error.code, op, { subject: path, reason: error.reason, cause: error });
}
