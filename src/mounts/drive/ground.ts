import { FIXED, type Entry, nextCtime } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import type { Change } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { checkName } from '../../vfs/name.ts';
import type { NodeId } from '../../vfs/node.ts';
import type { DriveParts } from './drive-parts.ts';
import type { FolderLocks } from './folder-locks.ts';
import type { FreedNames } from './freed-names.ts';
import type { OpenFiles } from './open/open-files.ts';

/** The dependencies of the drive's operations. */
export interface Ground extends DriveParts {
  readonly files: OpenFiles;
  readonly folderLocks: FolderLocks;
  readonly freedNames: FreedNames;
  /** Whether a node may only get new versions, and neither move nor go. */
  readonly isSealed: (entry: Entry) => boolean;
}

/** The entry of a node, what open handles have written applied. @throws ESTALE */
export function nodeOf({ catalog, files }: Ground, id: NodeId, op: string): Entry {
  const entry = catalog.get(id);
  if (entry === undefined) throw new FsError('ESTALE', op, { subject: id, reason: 'it was removed' });
  return files.overlay(entry);
}

/** The entry of a file that has lost its name and is still open. */
export function removedOf({ catalog, files }: Ground, id: NodeId): Entry | undefined {
  return catalog.get(id) === undefined ? files.get(id)?.content.entry : undefined;
}

/** @throws ESTALE, ENOTDIR */
export function folderOf(ground: Ground, id: NodeId, op: string): Entry {
  const entry = nodeOf(ground, id, op);
  if (entry.kind !== 'folder') throw new FsError('ENOTDIR', op, { subject: entry.name });
  return entry;
}

/** A folder of a space, in which names may be added and removed. @throws ESTALE, ENOTDIR, EROFS */
export function spaceFolderOf(ground: Ground, id: NodeId, op: string): Entry {
  const folder = folderOf(ground, id, op);
  if (folder.space === FIXED) throw new FsError('EROFS', op, { subject: folder.name, reason: 'this folder is fixed' });
  return folder;
}

/** @throws EINVAL, ENAMETOOLONG, ENOENT */
export function childOf({ catalog, files }: Ground, folder: Entry, name: string, op: string): Entry {
  const entry = catalog.child(folder.id, name);
  if (entry === undefined) {
    checkName(name, op);
    throw new FsError('ENOENT', op, { subject: name });
  }
  return files.overlay(entry);
}

/** The entry that has a name, if any. */
export function occupantOf({ catalog, files }: Ground, folder: Entry, name: string): Entry | undefined {
  const entry = catalog.child(folder.id, name);
  return entry === undefined ? undefined : files.overlay(entry);
}

/** The op that updates the folder after a name in it was added or removed. */
export function touched({ catalog, now }: Ground, folder: Entry): Op {
  const at = now();
  return catalog.update({ ...folder, mtime: at, ctime: nextCtime(folder, at) });
}

/** @throws EXDEV for two spaces; EROFS, EBUSY for the root of a space, which hangs where it hangs */
export function checkMovable(entry: Entry, parent: Entry, op: string): void {
  if (parent.space === FIXED) throw new FsError('EROFS', op, { subject: entry.name, reason: 'this folder is fixed' });
  if (entry.space === parent.space) return;
  throw new FsError('EBUSY', op, { subject: entry.name, reason: 'it is shared as a whole' });
}

/** Submits a change, which is visible at once, notifies of it, and resolves when it is written. */
export function submit({ writer, changes }: Ground, ops: readonly Op[], told: readonly Change[]): Promise<void> {
  const written = writer.write(ops);
  for (const change of told) changes.emit(change);
  return written;
}

/** Removes the staged files of removed nodes, except those that an open handle or an intent needs. */
export function discard({ journal, files, staging }: Ground, gone: readonly Loose[]): void {
  for (const { node, staged } of gone) {
    if (staged === undefined || files.isOpen(node) || journal.names(staged)) continue;
    // What cannot be removed now is removed by the next start.
    staging.discard(staged).catch(() => undefined);
  }
}

/** Removes a staged file whose node has received other content; open handles switch to that. */
export function discardReplaced({ journal, staging }: Ground, staged: string | undefined): void {
  if (staged !== undefined && !journal.names(staged)) staging.discard(staged).catch(() => undefined);
}

export interface Loose {
  readonly node: NodeId;
  readonly staged?: string | undefined;
}
