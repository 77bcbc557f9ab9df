import { background, type Context } from '../../src/vfs/context.ts';
import type {
  Change,
  CommitOptions,
  CopyOptions,
  Draft,
  FileHandle,
  FileSystem,
  Hold,
  OpenMode,
  Page,
  PageRequest,
  Place,
  RenameFlags,
} from '../../src/vfs/file-system.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import { checkName } from '../../src/vfs/name.ts';
import type { Attr, AttrChanges, Kind, NewAttr, NodeId, StatFs, Xattrs } from '../../src/vfs/node.ts';
import { MemoryBytes } from './memory-bytes.ts';
import { MemoryDraft, MemoryHandle, checkAborted, checkSize, type HandleOwner } from './memory-handle.ts';
import { MemoryNode, compareUtf8 } from './memory-node.ts';
import { checkRename } from './memory-rename.ts';

const TOTAL = 2 ** 40;

export interface MemoryFsOptions {
  readonly now?: () => number;
  /** Folder for the bytes of new files; absent: bytes are in memory. */
  readonly bytes?: () => MemoryBytes;
}

/** The port over a map in memory: the reference for other implementations. Calls return synchronously. */
export class MemoryFs implements FileSystem {
  readonly root: NodeId = 'root';
  readonly #now: () => number;
  readonly #nodes = new Map<NodeId, MemoryNode>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #owner: HandleOwner;
  readonly #bytes: () => MemoryBytes;
  #count = 0;

  constructor({ now = Date.now, bytes = () => new MemoryBytes() }: MemoryFsOptions = {}) {
    this.#now = now;
    this.#bytes = bytes;
    this.#nodes.set(this.root, new MemoryNode(this.root, 'folder', undefined, '', {}, now()));
    this.#owner = {
      now,
      written: (node) => this.#emit({ what: 'node', node: node.id, content: true }),
      closed: (node) => this.#forget(node),
    };
  }

  lookup(folder: NodeId, name: string, context: Context): Attr {
    checkAborted('lookup', context);
    return this.#child(this.#folder(folder, 'lookup'), name, 'lookup').attr;
  }

  getattr(node: NodeId, context: Context): Attr {
    checkAborted('stat', context);
    return this.#node(node, 'stat').attr;
  }

  setattr(id: NodeId, changes: AttrChanges, context: Context): Attr {
    checkAborted('setattr', context);
    const node = this.#node(id, 'setattr');
    const { size } = changes;
    if (size !== undefined) {
      checkSize(size, 'truncate');
      if (node.kind === 'folder') throw new FsError('EISDIR', 'truncate', { subject: node.name });
      if (node.kind === 'symlink') throw new FsError('EINVAL', 'truncate', { subject: node.name });
      node.resize(size, this.#now());
    }
    node.change(changes, this.#now());
    this.#emit({ what: 'node', node: id, content: size !== undefined });
    return node.attr;
  }

  readdir(id: NodeId, { after, limit }: PageRequest, context: Context): Page {
    checkAborted('readdir', context);
    if (!(limit >= 1)) throw new FsError('EINVAL', 'readdir', { reason: 'a page must have at least one entry' });
    const all = this.#folder(id, 'readdir').children();
    const start = after === undefined ? 0 : firstBehind(all, after);
    const entries = all.slice(start, start + limit).map((node) => node.attr);
    return { entries, more: start + entries.length < all.length };
  }

  readlink(id: NodeId, context: Context): string {
    checkAborted('readlink', context);
    const node = this.#node(id, 'readlink');
    if (node.kind !== 'symlink') throw new FsError('EINVAL', 'readlink', { subject: node.name });
    return node.target;
  }

  xattrs(node: NodeId, context: Context): Xattrs {
    checkAborted('listxattr', context);
    return this.#node(node, 'listxattr').allXattrs();
  }

  mkdir(folder: NodeId, name: string, attr: NewAttr, context: Context): Attr {
    checkAborted('mkdir', context);
    return this.#add('folder', folder, name, attr, 'mkdir').attr;
  }

  symlink(folder: NodeId, name: string, target: string, context: Context): Attr {
    checkAborted('symlink', context);
    if (target === '' || target.includes('\0')) throw new FsError('EINVAL', 'symlink', { subject: name });
    if (Buffer.byteLength(target) > 4095) throw new FsError('ENAMETOOLONG', 'symlink', { subject: name });
    return this.#add('symlink', folder, name, {}, 'symlink', (node) => (node.target = target)).attr;
  }

  create(folder: NodeId, name: string, attr: NewAttr, mode: OpenMode, context: Context): FileHandle {
    checkAborted('create', context);
    const fill = (node: MemoryNode): void => void (node.bytes = this.#bytes());
    return new MemoryHandle(this.#owner, this.#add('file', folder, name, attr, 'create', fill), mode);
  }

  open(file: NodeId, mode: OpenMode, context: Context): FileHandle {
    checkAborted('open', context);
    const node = this.#node(file, 'open');
    if (node.kind === 'folder') throw new FsError('EISDIR', 'open', { subject: node.name });
    if (node.kind === 'symlink') throw new FsError('ELOOP', 'open', { subject: node.name });
    const handle = new MemoryHandle(this.#owner, node, mode);
    if (mode.truncate) handle.truncate(0, background);
    return handle;
  }

  draft(folder: NodeId, name: string, attr: NewAttr, context: Context): Draft {
    checkAborted('draft', context);
    checkName(name, 'draft');
    refuseFolder(this.#folder(folder, 'draft').child(name), 'draft');
    return new MemoryDraft((bytes, options) => this.#commit({ parent: folder, name }, attr, bytes, options));
  }

  unlink(folder: NodeId, name: string, context: Context): void {
    checkAborted('unlink', context);
    const parent = this.#folder(folder, 'unlink');
    const node = this.#child(parent, name, 'unlink');
    refuseFolder(node, 'unlink');
    this.#remove(node);
  }

  rmdir(folder: NodeId, name: string, context: Context): void {
    checkAborted('rmdir', context);
    const node = this.#child(this.#folder(folder, 'rmdir'), name, 'rmdir');
    if (node.kind !== 'folder') throw new FsError('ENOTDIR', 'rmdir', { subject: name });
    if (!node.empty) throw new FsError('ENOTEMPTY', 'rmdir', { subject: name });
    this.#remove(node);
  }

  removeTree(folder: NodeId, name: string, context: Context): void {
    checkAborted('removeTree', context);
    const node = this.#child(this.#folder(folder, 'removeTree'), name, 'removeTree');
    const forget = (node: MemoryNode): void => {
      for (const child of node.children()) forget(child);
      node.linked = false;
      this.#forget(node);
    };
    forget(node);
    this.#remove(node);
  }

  rename(from: Place, to: Place, flags: RenameFlags, context: Context): Attr {
    checkAborted('rename', context);
    checkName(to.name, 'rename');
    const source = this.#folder(from.parent, 'rename');
    const target = this.#folder(to.parent, 'rename');
    const node = this.#child(source, from.name, 'rename');
    const other = target.child(to.name);
    checkRename(node, target, other, to.name, flags);
    if (node === other) return node.attr;
    const now = this.#now();
    if (flags.exchange && other !== undefined) source.link(other, from.name, now);
    else {
      if (other !== undefined) this.#remove(other);
      source.unlink(from.name, now);
    }
    target.link(node, to.name, now);
    node.ctime = now;
    this.#emit({ what: 'entry', folder: source.id, name: from.name });
    this.#emit({ what: 'entry', folder: target.id, name: to.name });
    return node.attr;
  }

  copy(id: NodeId, to: Place, { replace }: CopyOptions, context: Context): Attr {
    checkAborted('copy', context);
    const node = this.#node(id, 'copy');
    checkName(to.name, 'copy');
    const other = this.#folder(to.parent, 'copy').child(to.name);
    if (other === node) return node.attr;
    if (other !== undefined && !replace) throw new FsError('EEXIST', 'copy', { subject: to.name });
    refuseFolder(other, 'copy');
    const { mode, mtime } = node;
    const attr = { mode, mtime, xattrs: node.allXattrs() };
    if (node.kind === 'file') return this.#commit(to, attr, node.bytes.clone(), {});
    if (other !== undefined) this.#remove(other);
    return this.#add(node.kind, to.parent, to.name, attr, 'copy', (copy) => (copy.target = node.target)).attr;
  }

  hold(node: NodeId, context: Context): Hold {
    checkAborted('hold', context);
    this.#node(node, 'hold');
    return { release: () => {} };
  }

  statfs(node: NodeId, context: Context): StatFs {
    checkAborted('statfs', context);
    this.#node(node, 'statfs');
    let used = 0;
    for (const node of this.#nodes.values()) used += node.bytes.allocated;
    return { total: TOTAL, used, available: Math.max(0, TOTAL - used), files: this.#nodes.size };
  }

  watch(listener: (change: Change) => void): () => void {
    const own = (change: Change): void => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #node(id: NodeId, op: string): MemoryNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new FsError('ESTALE', op, { subject: id });
    return node;
  }

  #folder(id: NodeId, op: string): MemoryNode {
    const node = this.#node(id, op);
    if (node.kind !== 'folder') throw new FsError('ENOTDIR', op, { subject: node.name });
    return node;
  }

  #child(folder: MemoryNode, name: string, op: string): MemoryNode {
    checkName(name, op);
    const node = folder.child(name);
    if (node === undefined) throw new FsError('ENOENT', op, { subject: name });
    return node;
  }

  #add(
    kind: Kind,
    folder: NodeId,
    name: string,
    attr: NewAttr,
    op: string,
    fill: (node: MemoryNode) => void = () => {},
  ): MemoryNode {
    const parent = this.#folder(folder, op);
    checkName(name, op);
    if (parent.child(name) !== undefined) throw new FsError('EEXIST', op, { subject: name });
    const now = this.#now();
    const node = new MemoryNode(`n${++this.#count}`, kind, parent, name, attr, now);
    fill(node);
    this.#nodes.set(node.id, node);
    parent.link(node, name, now);
    this.#emit({ what: 'entry', folder, name });
    return node;
  }

  #commit({ parent: folder, name }: Place, attr: NewAttr, bytes: MemoryBytes, { expected }: CommitOptions): Attr {
    const old = this.#folder(folder, 'commit').child(name);
    if (expected !== undefined && (old?.version ?? null) !== expected) {
      throw new FsError('ESTALE', 'commit', { subject: name, reason: 'the file was changed in the meantime' });
    }
    refuseFolder(old, 'commit');
    if (old?.kind === 'symlink') this.#remove(old);
    if (old?.kind !== 'file')
      return this.#add('file', folder, name, attr, 'commit', (node) => (node.bytes = bytes)).attr;
    old.bytes = bytes;
    old.changed(this.#now());
    old.change(attr, this.#now());
    this.#emit({ what: 'node', node: old.id, content: true });
    return old.attr;
  }

  #remove(node: MemoryNode): void {
    const { parent, name } = node;
    parent.unlink(name, this.#now());
    node.linked = false;
    node.ctime = this.#now();
    this.#forget(node);
    this.#emit({ what: 'entry', folder: parent.id, name, removed: node.id });
  }

  #forget(node: MemoryNode): void {
    if (!node.linked && node.opens === 0) this.#nodes.delete(node.id);
  }

  #emit(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function refuseFolder(node: MemoryNode | undefined, op: string): void {
  if (node?.kind === 'folder') throw new FsError('EISDIR', op, { subject: node.name });
}

function firstBehind(nodes: readonly MemoryNode[], name: string): number {
  let low = 0;
  let high = nodes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareUtf8(nodes[middle]?.name ?? '', name) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
