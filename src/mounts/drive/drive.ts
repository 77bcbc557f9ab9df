import type { CatalogPage } from '../../cache/tree/catalog.ts';
import type { Entry } from '../../cache/tree/entry.ts';
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
import type { AccountRoom, Quota } from './account-room.ts';
import { checkAborted } from './attr-values.ts';
import { AttrSetter } from './setattr.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { ContentStore, Staging } from '../../cache/content/content.ts';
import type { GroupWriter } from '../../cache/db/group-writer.ts';
import type { Journal } from '../../cache/tree/journal.ts';
import type { IntentPlanner } from '../intents/planner.ts';
import type { Activity } from './activity.ts';
import type { Changes } from './changes.ts';
import { Copier } from './copy.ts';
import { Creator } from './create.ts';
import { DriveDraft, type DriveDraftParts } from './drive-draft.ts';
import { DriveHandle } from './drive-handle.ts';
import { factsOf } from './facts.ts';
import { FolderLocks } from './folder-locks.ts';
import { FreedNames } from './freed-names.ts';
import { LiveTree } from './live-tree.ts';
import type { OpenFiles } from './open/open-files.ts';
import { Remover } from './remove.ts';
import { Renamer } from './rename.ts';
import { ContentReplacer } from './replace-content.ts';
import { shownAttr } from './shown-attr.ts';
import { Siblings } from './siblings.ts';
import { openSnapshot } from './snapshot-handle.ts';
import type { Sweeper } from './sweeper.ts';
import type { TreeWriter } from './tree-writer.ts';

/** What the drive is assembled from. */
export interface DriveParts {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly planner: IntentPlanner;
  readonly writer: GroupWriter;
  readonly staging: Staging;
  readonly store: ContentStore;
  readonly files: OpenFiles;
  readonly treeWriter: TreeWriter;
  readonly sweeper: Sweeper;
  readonly changes: Changes;
  readonly activity: Activity;
  readonly room: AccountRoom;
  /** Whether a node may only get new versions, and neither move nor go. */
  readonly isSealed: (entry: Entry) => boolean;
  /** Whether nodes move to and from the space by renaming. */
  readonly isCrossing: (space: string) => boolean;
  /** Whether nodes of the space are sealed. */
  readonly isSealing: (space: string) => boolean;
  /** Whether the content of a node is to be kept on this computer. */
  readonly isPinned: (entry: Entry) => boolean;
  /** ms since 1970 */
  readonly now: () => number;
}

/** Shown until the cloud has reported a quota, so that no program refuses to write: 1 TiB. */
const UNKNOWN: Quota = { quota: 2 ** 40, used: 0, files: 0 };

/**
 * The catalog's tree as a file system: reads what is cached or fetches it, and journals every change before it
 * resolves. Within a space everything is allowed; what a mount forbids is decided by its policy, in a layer above.
 */
export class Drive implements FileSystem {
  readonly root: NodeId;
  readonly #parts: DriveParts;
  readonly #folderLocks = new FolderLocks();
  readonly #tree: LiveTree;
  readonly #creator: Creator;
  readonly #remover: Remover;
  readonly #renamer: Renamer;
  readonly #copier: Copier;
  readonly #attrSetter: AttrSetter;
  readonly #siblings: Siblings;
  readonly #draftParts: DriveDraftParts;

  constructor(root: NodeId, parts: DriveParts) {
    this.root = root;
    this.#parts = parts;
    const folderLocks = this.#folderLocks;
    const tree = new LiveTree(parts.catalog, parts.files);
    const freedNames = new FreedNames(parts.now);
    const creator = new Creator({ ...parts, tree, freedNames });
    const replacer = new ContentReplacer({ ...parts, creator });
    this.#tree = tree;
    this.#creator = creator;
    this.#remover = new Remover({ ...parts, tree, folderLocks, freedNames });
    this.#renamer = new Renamer({ ...parts, tree, folderLocks, freedNames });
    this.#copier = new Copier({ ...parts, tree, folderLocks, creator, replacer });
    this.#attrSetter = new AttrSetter({ ...parts, tree });
    this.#siblings = new Siblings(parts.catalog, parts.store);
    this.#draftParts = { ...parts, tree, folderLocks, replacer };
  }

  /** Sets what `statfs` returns and what writes are limited to. */
  setQuota(quota: Quota): void {
    this.#parts.room.quota = quota;
  }

  lookup(folder: NodeId, name: string, context: Context): Attr {
    checkAborted(context, 'lookup');
    return shownAttr(this.#parts, this.#tree.child(this.#tree.folder(folder, 'lookup'), name, 'lookup'));
  }

  getattr(node: NodeId, context: Context): Attr {
    checkAborted(context, 'stat');
    return shownAttr(this.#parts, this.#tree.node(node, 'stat'));
  }

  async setattr(node: NodeId, changes: AttrChanges, context: Context): Promise<Attr> {
    this.#checkChange('setattr', context);
    return await this.#attrSetter.setAttr(node, changes, context);
  }

  readdir(folder: NodeId, { after, limit }: PageRequest, context: Context): Awaitable<Page> {
    checkAborted(context, 'readdir');
    if (!(limit >= 1)) throw new FsError('EINVAL', 'readdir', { reason: 'a page has at least one entry' });
    const { id } = this.#tree.folder(folder, 'readdir');
    const { catalog, files } = this.#parts;
    const page = catalog.page(id, after, limit);
    const shown = ({ entries, more }: CatalogPage): Page => ({
      entries: entries.map((entry) => shownAttr(this.#parts, files.overlay(entry))),
      more,
    });
    return page instanceof Promise ? page.then(shown) : shown(page);
  }

  readlink(node: NodeId, context: Context): string {
    checkAborted(context, 'readlink');
    const { kind, target, name } = this.#tree.node(node, 'readlink');
    if (kind !== 'symlink' || target === undefined) throw new FsError('EINVAL', 'readlink', { subject: name });
    return target;
  }

  xattrs(node: NodeId, context: Context): Xattrs {
    checkAborted(context, 'listxattr');
    return this.#tree.node(node, 'listxattr').xattrs ?? {};
  }

  facts(node: NodeId, context: Context): Readonly<Record<string, string>> {
    checkAborted(context, 'facts');
    return factsOf(this.#parts, this.#tree.node(node, 'facts'));
  }

  async mkdir(folder: NodeId, name: string, attr: NewAttr, context: Context): Promise<Attr> {
    this.#checkChange('mkdir', context);
    while (this.#folderLocks.isClosed(folder)) await this.#folderLocks.opened(folder);
    return await this.#creator.mkdir(folder, name, attr);
  }

  async symlink(folder: NodeId, name: string, target: string, context: Context): Promise<Attr> {
    this.#checkChange('symlink', context);
    while (this.#folderLocks.isClosed(folder)) await this.#folderLocks.opened(folder);
    return await this.#creator.symlink(folder, name, target);
  }

  async create(folder: NodeId, name: string, attr: NewAttr, mode: OpenMode, context: Context): Promise<FileHandle> {
    this.#checkChange('create', context);
    while (this.#folderLocks.isClosed(folder)) await this.#folderLocks.opened(folder);
    const file = await this.#creator.file(folder, name, attr, mode);
    return new DriveHandle(this.#parts.files, file, mode);
  }

  open(id: NodeId, mode: OpenMode, context: Context): Awaitable<FileHandle> {
    checkAborted(context, 'open');
    const node = this.#tree.nodeOrRemoved(id, 'open');
    if (node.kind === 'folder') throw new FsError('EISDIR', 'open', { subject: node.name });
    if (node.kind === 'symlink') throw new FsError('ELOOP', 'open', { subject: node.name });
    if (mode.read) this.#siblings.opened(node);
    if (mode.snapshot === true && !mode.write) return openSnapshot(this.#parts.files, node);
    const { files } = this.#parts;
    const handle = new DriveHandle(files, files.acquire(node, mode), mode);
    return mode.truncate === true ? emptied(handle, context) : handle;
  }

  draft(folder: NodeId, name: string, attr: NewAttr, context: Context): Draft {
    this.#checkChange('draft', context);
    const parent = this.#tree.spaceFolder(folder, 'draft');
    checkName(name, 'draft');
    if (this.#tree.occupant(parent, name)?.kind === 'folder') {
      throw new FsError('EISDIR', 'draft', { subject: name });
    }
    return new DriveDraft(this.#draftParts, { parent: folder, name }, attr);
  }

  async unlink(folder: NodeId, name: string, context: Context): Promise<void> {
    this.#checkChange('unlink', context);
    await this.#remover.unlink(folder, name);
  }

  async rmdir(folder: NodeId, name: string, context: Context): Promise<void> {
    this.#checkChange('rmdir', context);
    await this.#remover.rmdir(folder, name);
  }

  async removeTree(folder: NodeId, name: string, context: Context): Promise<void> {
    this.#checkChange('removeTree', context);
    await this.#remover.removeTree(folder, name);
  }

  async rename(from: Place, to: Place, flags: RenameFlags, context: Context): Promise<Attr> {
    this.#checkChange('rename', context);
    while (this.#folderLocks.isClosed(to.parent)) await this.#folderLocks.opened(to.parent);
    return await this.#renamer.rename(from, to, flags);
  }

  async copy(node: NodeId, to: Place, options: CopyOptions, context: Context): Promise<Attr> {
    this.#checkChange('copy', context);
    while (this.#folderLocks.isClosed(to.parent)) await this.#folderLocks.opened(to.parent);
    return await this.#copier.copy(node, to, options);
  }

  hold(node: NodeId, context: Context): Hold {
    checkAborted(context, 'hold');
    return this.#parts.activity.hold(this.#tree.node(node, 'hold').id);
  }

  statfs(node: NodeId, context: Context): StatFs {
    checkAborted(context, 'statfs');
    this.#tree.node(node, 'statfs');
    const { quota, used, files } = this.#parts.room.quota ?? UNKNOWN;
    const full = used + this.#parts.staging.usage();
    return { total: quota, used: full, available: Math.max(0, quota - full), files };
  }

  async sync(context: Context): Promise<void> {
    checkAborted(context, 'sync');
    const { files, staging, writer } = this.#parts;
    await files.flush();
    await staging.sync();
    await writer.write([], { sync: true });
  }

  watch(listener: (change: Change) => void): () => void {
    return this.#parts.changes.watch(listener);
  }

  /** To be called before anything is changed. @throws EINTR, ENOSPC */
  #checkChange(op: string, context: Context): void {
    checkAborted(context, op);
    this.#parts.writer.checkRoom();
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
