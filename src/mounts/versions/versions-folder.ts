import type { ContentStore } from '../../cache/content/content.ts';
import type { Remote } from '../../cloud/remote.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type {
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
} from '../../vfs/file-system.ts';
import { ForwardingFileSystem } from '../../vfs/forwarding-file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr, AttrChanges, NewAttr, NodeId, StatFs, Xattrs } from '../../vfs/node.ts';
import type { PolicyState } from '../drive/policy-state.ts';
import { VersionLists } from './version-list.ts';
import { VERSIONS, VersionsTree } from './versions-tree.ts';

export interface VersionsFolderParts {
  readonly remote: Pick<Remote, 'versions'>;
  readonly store: ContentStore;
  readonly policyState: PolicyState;
}

/** Bytes of one step when a version is copied out. */
const STEP = 1 << 20;

/**
 * Adds a hidden `.versions` to every folder whose policy keeps versions: it is not in listings, but can be looked up.
 * It contains a folder for each file, which contains the kept versions, named by time, read-only. They are requested
 * from the cloud on access.
 */
export class VersionsFolder extends ForwardingFileSystem {
  readonly #tree: VersionsTree;

  constructor(fs: FileSystem, { remote, store, policyState }: VersionsFolderParts) {
    super(fs);
    const lists = new VersionLists(remote);
    this.#tree = new VersionsTree({ fs, policyState, lists, store });
    fs.watch((change) => {
      if (change.what === 'node' && change.content) lists.forget(change.node);
    });
  }

  override lookup(folder: NodeId, name: string, context: Context): Awaitable<Attr> {
    if (this.#tree.has(folder)) return this.#tree.lookup(folder, name, context);
    const versions = name === VERSIONS ? this.#tree.under(folder) : undefined;
    return versions ?? super.lookup(folder, name, context);
  }

  override getattr(node: NodeId, context: Context): Awaitable<Attr> {
    return this.#tree.has(node) ? this.#tree.getattr(node, context) : super.getattr(node, context);
  }

  override setattr(node: NodeId, changes: AttrChanges, context: Context): Awaitable<Attr> {
    this.#refuse('setattr', node);
    return super.setattr(node, changes, context);
  }

  override readdir(folder: NodeId, page: PageRequest, context: Context): Awaitable<Page> {
    return this.#tree.has(folder) ? this.#tree.readdir(folder, page, context) : super.readdir(folder, page, context);
  }

  override readlink(node: NodeId, context: Context): Awaitable<string> {
    if (this.#tree.has(node)) throw new FsError('EINVAL', 'readlink', { subject: node });
    return super.readlink(node, context);
  }

  override xattrs(node: NodeId, context: Context): Awaitable<Xattrs> {
    return this.#tree.has(node) ? {} : super.xattrs(node, context);
  }

  override facts(node: NodeId, context: Context): Awaitable<Readonly<Record<string, string>>> {
    return this.#tree.has(node) ? {} : super.facts(node, context);
  }

  override mkdir(folder: NodeId, name: string, attr: NewAttr, context: Context): Awaitable<Attr> {
    this.#refuseNew('mkdir', folder, name);
    return super.mkdir(folder, name, attr, context);
  }

  override symlink(folder: NodeId, name: string, target: string, context: Context): Awaitable<Attr> {
    this.#refuseNew('symlink', folder, name);
    return super.symlink(folder, name, target, context);
  }

  override create(
    folder: NodeId,
    name: string,
    attr: NewAttr,
    mode: OpenMode,
    context: Context,
  ): Awaitable<FileHandle> {
    this.#refuseNew('create', folder, name);
    return super.create(folder, name, attr, mode, context);
  }

  override open(file: NodeId, mode: OpenMode, context: Context): Awaitable<FileHandle> {
    if (!this.#tree.has(file)) return super.open(file, mode, context);
    if (mode.write) this.#refuse('open', file);
    return this.#tree.open(file, context);
  }

  override draft(folder: NodeId, name: string, attr: NewAttr, context: Context): Awaitable<Draft> {
    this.#refuse('draft', folder, name);
    return super.draft(folder, name, attr, context);
  }

  override unlink(folder: NodeId, name: string, context: Context): Awaitable<void> {
    this.#refuse('unlink', folder, name);
    return super.unlink(folder, name, context);
  }

  override rmdir(folder: NodeId, name: string, context: Context): Awaitable<void> {
    this.#refuse('rmdir', folder, name);
    return super.rmdir(folder, name, context);
  }

  override removeTree(folder: NodeId, name: string, context: Context): Awaitable<void> {
    this.#refuse('removeTree', folder, name);
    return super.removeTree(folder, name, context);
  }

  override rename(from: Place, to: Place, flags: RenameFlags, context: Context): Awaitable<Attr> {
    this.#refuse('rename', from.parent, from.name);
    this.#refuse('rename', to.parent, to.name);
    return super.rename(from, to, flags, context);
  }

  override copy(node: NodeId, to: Place, options: CopyOptions, context: Context): Awaitable<Attr> {
    this.#refuse('copy', to.parent, to.name);
    if (!this.#tree.has(node)) return super.copy(node, to, options, context);
    return this.#copyOut(node, to, options, context);
  }

  override hold(node: NodeId, context: Context): Awaitable<Hold> {
    return this.#tree.has(node) ? { release: () => undefined } : super.hold(node, context);
  }

  override statfs(node: NodeId, context: Context): Awaitable<StatFs> {
    return super.statfs(this.#tree.has(node) ? this.root : node, context);
  }

  async #copyOut(node: NodeId, to: Place, { replace }: CopyOptions, context: Context): Promise<Attr> {
    const handle = await this.#tree.open(node, context);
    try {
      const { mtime, size } = handle.attr(context);
      const draft = await super.draft(to.parent, to.name, { mtime }, context);
      try {
        const buffer = Buffer.allocUnsafe(Math.min(size, STEP));
        for (let position = 0; position < size;) {
          const count = await handle.read(buffer, position, context);
          await draft.append(buffer.subarray(0, count), context);
          position += count;
        }
        return await draft.commit(replace ? {} : { expected: null }, context);
      } finally {
        await draft.discard();
      }
    } finally {
      handle.close();
    }
  }

  /** The names and contents of this tree cannot be changed. @throws EROFS */
  #refuse(op: string, node: NodeId, name?: string): void {
    const isName = name === VERSIONS && this.#tree.under(node) !== undefined;
    if (!isName && !this.#tree.has(node)) return;
    throw new FsError('EROFS', op, { subject: name ?? node, reason: 'older versions can only be read and copied' });
  }

  /** @throws EROFS, EEXIST */
  #refuseNew(op: string, folder: NodeId, name: string): void {
    if (name === VERSIONS && this.#tree.under(folder) !== undefined) {
      throw new FsError('EEXIST', op, { subject: name, reason: 'this name is reserved for older versions' });
    }
    this.#refuse(op, folder, name);
  }
}
