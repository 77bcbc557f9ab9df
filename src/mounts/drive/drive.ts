import type { CatalogPage } from '../../cache/tree/catalog.ts';
import { attrOf } from '../../cache/tree/entry.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type {
  Change,
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
import { FsError } from '../../vfs/fs-error.ts';
import { checkName } from '../../vfs/name.ts';
import type { Attr, AttrChanges, NewAttr, NodeId, StatFs, Xattrs } from '../../vfs/node.ts';
import type { Quota } from './account-room.ts';
import { checkAborted } from './attr-values.ts';
import { makeFile, makeFolder, makeSymlink } from './create.ts';
import { copy } from './copy.ts';
import { DriveDraft } from './drive-draft.ts';
import { DriveHandle } from './drive-handle.ts';
import { factsOf } from './facts.ts';
import { type Ground, childOf, folderOf, nodeOf, occupantOf, removedOf, spaceFolderOf } from './ground.ts';
import { removeTree, rmdir, unlink } from './remove.ts';
import { rename } from './rename.ts';
import { setAttr } from './setattr.ts';
import { Siblings } from './siblings.ts';
import { openSnapshot } from './snapshot-handle.ts';
import type { Sweeper } from './sweeper.ts';

/** Shown until the cloud has reported a quota, so that no program refuses to write: 1 TiB. */
const UNKNOWN: Quota = { quota: 2 ** 40, used: 0, files: 0 };

/**
 * The catalog's tree as a file system: reads what is cached or fetches it, and journals every change before it
 * resolves. Within a space everything is allowed; what a mount forbids is decided by its policy, in a layer above.
 */
export class Drive implements FileSystem {
  readonly root: NodeId;
  readonly #ground: Ground;
  readonly #sweeper: Sweeper;
  readonly #siblings: Siblings;

  constructor(root: NodeId, ground: Ground, sweeper: Sweeper) {
    this.root = root;
    this.#ground = ground;
    this.#sweeper = sweeper;
    this.#siblings = new Siblings(ground.catalog, ground.store);
  }

  /** Sets what `statfs` returns and what writes are limited to. */
  setQuota(quota: Quota): void {
    this.#ground.room.quota = quota;
  }

  lookup(folder: NodeId, name: string, context: Context): Attr {
    checkAborted(context, 'lookup');
    return attrOf(childOf(this.#ground, folderOf(this.#ground, folder, 'lookup'), name, 'lookup'));
  }

  getattr(node: NodeId, context: Context): Attr {
    checkAborted(context, 'stat');
    return attrOf(nodeOf(this.#ground, node, 'stat'));
  }

  async setattr(node: NodeId, changes: AttrChanges, context: Context): Promise<Attr> {
    checkAborted(context, 'setattr');
    this.#ground.writer.checkRoom();
    return await setAttr(this.#ground, node, changes, context);
  }

  readdir(folder: NodeId, { after, limit }: PageRequest, context: Context): Awaitable<Page> {
    checkAborted(context, 'readdir');
    if (!(limit >= 1)) throw new FsError('EINVAL', 'readdir', { reason: 'a page has at least one entry' });
    const { id } = folderOf(this.#ground, folder, 'readdir');
    const { catalog, files } = this.#ground;
    const page = catalog.page(id, after, limit);
    const shown = ({ entries, more }: CatalogPage): Page => ({
      entries: entries.map((entry) => attrOf(files.overlay(entry))),
      more,
    });
    return page instanceof Promise ? page.then(shown) : shown(page);
  }

  readlink(node: NodeId, context: Context): string {
    checkAborted(context, 'readlink');
    const { kind, target, name } = nodeOf(this.#ground, node, 'readlink');
    if (kind !== 'symlink' || target === undefined) throw new FsError('EINVAL', 'readlink', { subject: name });
    return target;
  }

  xattrs(node: NodeId, context: Context): Xattrs {
    checkAborted(context, 'listxattr');
    return nodeOf(this.#ground, node, 'listxattr').xattrs ?? {};
  }

  facts(node: NodeId, context: Context): Readonly<Record<string, string>> {
    checkAborted(context, 'facts');
    return factsOf(this.#ground, nodeOf(this.#ground, node, 'facts'));
  }

  async mkdir(folder: NodeId, name: string, attr: NewAttr, context: Context): Promise<Attr> {
    const { folderLocks } = this.#ground;
    checkAborted(context, 'mkdir');
    this.#ground.writer.checkRoom();
    while (folderLocks.isClosed(folder)) await folderLocks.opened(folder);
    return await makeFolder(this.#ground, folder, name, attr);
  }

  async symlink(folder: NodeId, name: string, target: string, context: Context): Promise<Attr> {
    const { folderLocks } = this.#ground;
    checkAborted(context, 'symlink');
    this.#ground.writer.checkRoom();
    while (folderLocks.isClosed(folder)) await folderLocks.opened(folder);
    return await makeSymlink(this.#ground, folder, name, target);
  }

  async create(folder: NodeId, name: string, attr: NewAttr, mode: OpenMode, context: Context): Promise<FileHandle> {
    const { folderLocks } = this.#ground;
    checkAborted(context, 'create');
    this.#ground.writer.checkRoom();
    while (folderLocks.isClosed(folder)) await folderLocks.opened(folder);
    const file = await makeFile(this.#ground, folder, name, attr, mode);
    return new DriveHandle(this.#ground.files, file, mode);
  }

  open(id: NodeId, mode: OpenMode, context: Context): Awaitable<FileHandle> {
    checkAborted(context, 'open');
    const node = removedOf(this.#ground, id) ?? nodeOf(this.#ground, id, 'open');
    if (node.kind === 'folder') throw new FsError('EISDIR', 'open', { subject: node.name });
    if (node.kind === 'symlink') throw new FsError('ELOOP', 'open', { subject: node.name });
    if (mode.read) this.#siblings.opened(node);
    if (mode.snapshot === true && !mode.write) return openSnapshot(this.#ground.files, node);
    const { files } = this.#ground;
    const handle = new DriveHandle(files, files.acquire(node, mode), mode);
    return mode.truncate === true ? emptied(handle, context) : handle;
  }

  draft(folder: NodeId, name: string, attr: NewAttr, context: Context): Draft {
    checkAborted(context, 'draft');
    this.#ground.writer.checkRoom();
    const parent = spaceFolderOf(this.#ground, folder, 'draft');
    checkName(name, 'draft');
    if (occupantOf(this.#ground, parent, name)?.kind === 'folder') {
      throw new FsError('EISDIR', 'draft', { subject: name });
    }
    return new DriveDraft(this.#ground, { folder, name }, attr);
  }

  async unlink(folder: NodeId, name: string, context: Context): Promise<void> {
    checkAborted(context, 'unlink');
    this.#ground.writer.checkRoom();
    await unlink(this.#ground, folder, name);
  }

  async rmdir(folder: NodeId, name: string, context: Context): Promise<void> {
    checkAborted(context, 'rmdir');
    this.#ground.writer.checkRoom();
    await rmdir(this.#ground, folder, name);
  }

  async removeTree(folder: NodeId, name: string, context: Context): Promise<void> {
    checkAborted(context, 'removeTree');
    this.#ground.writer.checkRoom();
    await removeTree(this.#ground, this.#sweeper, folder, name);
  }

  async rename(from: Place, to: Place, flags: RenameFlags, context: Context): Promise<Attr> {
    const { folderLocks } = this.#ground;
    checkAborted(context, 'rename');
    this.#ground.writer.checkRoom();
    while (folderLocks.isClosed(to.folder)) await folderLocks.opened(to.folder);
    return await rename(this.#ground, from, to, flags);
  }

  async copy(node: NodeId, to: Place, options: CopyOptions, context: Context): Promise<Attr> {
    const { folderLocks } = this.#ground;
    checkAborted(context, 'copy');
    this.#ground.writer.checkRoom();
    while (folderLocks.isClosed(to.folder)) await folderLocks.opened(to.folder);
    return await copy(this.#ground, node, to, options);
  }

  hold(node: NodeId, context: Context): Hold {
    checkAborted(context, 'hold');
    return this.#ground.activity.hold(nodeOf(this.#ground, node, 'hold').id);
  }

  statfs(node: NodeId, context: Context): StatFs {
    checkAborted(context, 'statfs');
    nodeOf(this.#ground, node, 'statfs');
    const { quota, used, files } = this.#ground.room.quota ?? UNKNOWN;
    const full = used + this.#ground.staging.usage();
    return { total: quota, used: full, available: Math.max(0, quota - full), files };
  }

  async sync(context: Context): Promise<void> {
    checkAborted(context, 'sync');
    const { files, staging, writer } = this.#ground;
    await files.flush();
    await staging.sync();
    await writer.write([], { sync: true });
  }

  watch(listener: (change: Change) => void): () => void {
    return this.#ground.changes.watch(listener);
  }
}

async function emptied(handle: DriveHandle, context: Context): Promise<FileHandle> {
  try {
    await handle.truncate(0, context);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
