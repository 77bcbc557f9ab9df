import { FIXED, type Entry, nextCtime } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import type { Awaitable } from '../../vfs/context.ts';
import type { Change, OpenMode } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { checkName } from '../../vfs/name.ts';
import type { NodeId } from '../../vfs/node.ts';
import type { DriveParts } from './drive-parts.ts';
import type { FolderLocks } from './folder-locks.ts';
import type { OpenFile } from './open/open-file.ts';
import type { OpenFiles } from './open/open-files.ts';

/** What the operations of the drive stand on. */
export interface Ground extends DriveParts {
  readonly files: OpenFiles;
  readonly folderLocks: FolderLocks;
  /** Whether a node may only get new versions, and neither move nor go. */
  readonly isSealed: (entry: Entry) => boolean;
  /** Whether a close is answered only when it is written. */
  readonly durable?: boolean;
}

/** Gives a handle of a file back; answered as a close is. */
export function release({ files, durable }: Ground, file: OpenFile, mode: Pick<OpenMode, 'write'>): Awaitable<void> {
  const written = files.release(file, mode);
  if (durable === true) return written;
}

/** The entry of a node, what open handles have written applied. @throws ESTALE */
export function nodeOf({ catalog, files }: Ground, id: NodeId, op: string): Entry {
  const entry = catalog.get(id);
  if (entry === undefined) throw new FsError('ESTALE', op, { subject: id, reason: 'it was removed' });
  return files.overlay(entry);
}

/** The entry of a file that has lost its name and is still open. */
export function removedOf({ catalog, files }: Ground, id: NodeId): Entry | undefined {
  return catalog.get(id) === undefined ? files.get(id)?.entry : undefined;
}

/** @throws ESTALE, ENOTDIR */
export function folderOf(ground: Ground, id: NodeId, op: string): Entry {
  const entry = nodeOf(ground, id, op);
  if (entry.kind !== 'folder') throw new FsError('ENOTDIR', op, { subject: entry.name });
  return entry;
}

/** A folder of the cloud, in which names may come and go. @throws ESTALE, ENOTDIR, EROFS */
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

/** Who has a name, if anybody. */
export function occupantOf({ catalog, files }: Ground, folder: Entry, name: string): Entry | undefined {
  const entry = catalog.child(folder.id, name);
  return entry === undefined ? undefined : files.overlay(entry);
}

/** The folder as it is after a name in it came or went. */
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

/** Submits a change, which is visible at once, tells of it, and answers when it is written. */
export function submit({ writer, changes }: Ground, ops: readonly Op[], told: readonly Change[]): Promise<void> {
  const written = writer.write(ops);
  for (const change of told) changes.emit(change);
  return written;
}

/** Removes the staged files of nodes that are gone; what an open handle or an intent needs stays. */
export function discard({ journal, files, staging }: Ground, gone: readonly Loose[]): void {
  for (const { node, staged } of gone) {
    if (staged === undefined || files.isOpen(node) || journal.names(staged)) continue;
    // What cannot be removed now is removed by the next start.
    staging.discard(staged).catch(() => undefined);
  }
}

/** Removes a staged file whose node has got other content; open handles turn to that. */
export function discardReplaced({ journal, staging }: Ground, staged: string | undefined): void {
  if (staged !== undefined && !journal.names(staged)) staging.discard(staged).catch(() => undefined);
}

export interface Loose {
  readonly node: NodeId;
  readonly staged?: string | undefined;
}
