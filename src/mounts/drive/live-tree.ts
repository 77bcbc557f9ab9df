import type { Catalog } from '../../cache/tree/catalog.ts';
import { FIXED, innerSpace, type Entry } from '../../cache/tree/entry.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { checkName } from '../../vfs/name.ts';
import type { NodeId } from '../../vfs/node.ts';
import type { OpenFiles } from './open/open-files.ts';

/** The tree as programs see it: the catalog's entries with what open handles have written applied. */
export class LiveTree {
  readonly #catalog: Catalog;
  readonly #files: OpenFiles;

  constructor(catalog: Catalog, files: OpenFiles) {
    this.#catalog = catalog;
    this.#files = files;
  }

  /** @throws ESTALE */
  node(id: NodeId, op: string): Entry {
    const entry = this.#catalog.get(id);
    if (entry === undefined) throw new FsError('ESTALE', op, { subject: id, reason: 'it was removed' });
    return this.#files.overlay(entry);
  }

  /** A node, or a file that has lost its name and is still open. @throws ESTALE */
  nodeOrRemoved(id: NodeId, op: string): Entry {
    const removed = this.#catalog.get(id) === undefined ? this.#files.get(id) : undefined;
    return removed?.content.entry ?? this.node(id, op);
  }

  /** @throws ESTALE, ENOTDIR */
  folder(id: NodeId, op: string): Entry {
    const entry = this.node(id, op);
    if (entry.kind !== 'folder') throw new FsError('ENOTDIR', op, { subject: entry.name });
    return entry;
  }

  /** A folder of a space, in which names may be added and removed. @throws ESTALE, ENOTDIR, EROFS */
  spaceFolder(id: NodeId, op: string): Entry {
    const folder = this.folder(id, op);
    if (folder.space === FIXED)
      throw new FsError('EROFS', op, {
        subject: folder.name,
        reason: 'this folder is part of the drive and cannot be changed',
      });
    return folder;
  }

  /** The folder, if the name in it is free. @throws ESTALE, ENOTDIR, EROFS, EINVAL, ENAMETOOLONG, EEXIST */
  freePlace(folder: NodeId, name: string, op: string): Entry {
    const parent = this.spaceFolder(folder, op);
    checkName(name, op);
    if (this.occupant(parent, name) !== undefined) throw new FsError('EEXIST', op, { subject: name });
    return parent;
  }

  /** @throws EINVAL, ENAMETOOLONG, ENOENT */
  child(folder: Entry, name: string, op: string): Entry {
    const entry = this.occupant(folder, name);
    if (entry !== undefined) return entry;
    checkName(name, op);
    throw new FsError('ENOENT', op, { subject: name });
  }

  /** The entry that has a name, if any. */
  occupant(folder: Pick<Entry, 'id'>, name: string): Entry | undefined {
    const entry = this.#catalog.child(folder.id, name);
    return entry === undefined ? undefined : this.#files.overlay(entry);
  }

  /** True if `folder` is `node` or below it. */
  contains(node: Entry, folder: Entry): boolean {
    if (node.kind !== 'folder') return false;
    if (node.id === folder.id) return true;
    for (const ancestor of this.#catalog.ancestors(folder)) if (ancestor.id === node.id) return true;
    return false;
  }

  /** True for what is mounted in a branch, and for the branches themselves. */
  isFixed(entry: Entry): boolean {
    return entry.space === FIXED || this.#catalog.get(entry.parent)?.space === FIXED;
  }
}

/** @throws EXDEV for two spaces; EROFS, EBUSY for the root of a space, which is mounted where it is */
export function checkMovable(entry: Entry, parent: Entry, op: string): void {
  if (parent.space === FIXED)
    throw new FsError('EROFS', op, {
      subject: entry.name,
      reason: 'this folder is part of the drive and cannot be changed',
    });
  if (entry.space === innerSpace(parent)) return;
  throw new FsError('EBUSY', op, { subject: entry.name, reason: 'it is shared as a whole' });
}
