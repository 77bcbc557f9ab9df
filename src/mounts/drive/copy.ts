import type { LiveTree } from './live-tree.ts';
import type { TreeWriter } from './tree-writer.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { IntentPlanner } from '../intents/planner.ts';
import type { OpenFiles } from './open/open-files.ts';
import type { Journal } from '../../cache/tree/journal.ts';
import type { FolderLocks } from './folder-locks.ts';
import type { Creator } from './create.ts';
import type { ContentReplacer } from './replace-content.ts';
import type { ContentStore, StagedFile, Staging } from '../../cache/content/content.ts';
import { attrOf, type Entry } from '../../cache/tree/entry.ts';
import { assign } from '../../vfs/assign.ts';
import type { CopyOptions, Place } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { checkName } from '../../vfs/name.ts';
import type { Attr, NewAttr, NodeId } from '../../vfs/node.ts';
import { newId } from '../../vfs/ids.ts';

export interface CopierParts {
  readonly tree: LiveTree;
  readonly treeWriter: TreeWriter;
  readonly catalog: Catalog;
  readonly planner: IntentPlanner;
  readonly files: OpenFiles;
  readonly staging: Staging;
  readonly store: ContentStore;
  readonly journal: Journal;
  readonly folderLocks: FolderLocks;
  readonly creator: Creator;
  readonly replacer: ContentReplacer;
  /** ms since 1970 */
  readonly now: () => number;
}

/** Copies nodes. */
export class Copier {
  readonly #tree: LiveTree;
  readonly #treeWriter: TreeWriter;
  readonly #catalog: Catalog;
  readonly #planner: IntentPlanner;
  readonly #files: OpenFiles;
  readonly #staging: Staging;
  readonly #store: ContentStore;
  readonly #journal: Journal;
  readonly #folderLocks: FolderLocks;
  readonly #creator: Creator;
  readonly #replacer: ContentReplacer;
  readonly #now: () => number;

  constructor({
    tree,
    treeWriter,
    catalog,
    planner,
    files,
    staging,
    store,
    journal,
    folderLocks,
    creator,
    replacer,
    now,
  }: CopierParts) {
    this.#tree = tree;
    this.#treeWriter = treeWriter;
    this.#catalog = catalog;
    this.#planner = planner;
    this.#files = files;
    this.#staging = staging;
    this.#store = store;
    this.#journal = journal;
    this.#folderLocks = folderLocks;
    this.#creator = creator;
    this.#replacer = replacer;
    this.#now = now;
  }

  /** See `FileSystem.copy`. Content in the cloud is copied by reference, staged content as a fork. */
  async copy(id: NodeId, to: Place, { replace }: CopyOptions): Promise<Attr> {
    const node = this.#tree.node(id, 'copy');
    if (node.parent === this.#tree.node(to.parent, 'copy').id && node.name === to.name) return attrOf(node);
    const { old } = this.#target(to, replace);
    if (node.kind === 'file') return await this.#copyFile(node, to, replace);
    if (node.kind === 'symlink') return await this.#copySymlink(node, to, replace);
    if (old !== undefined) throw new FsError('EEXIST', 'copy', { subject: to.name });
    return await this.#creator.mkdir(to.parent, to.name, metadata(node));
  }

  #target({ parent: folder, name }: Place, replace: boolean): { parent: Entry; old: Entry | undefined } {
    const parent = this.#tree.spaceFolder(folder, 'copy');
    checkName(name, 'copy');
    const old = this.#tree.occupant(parent, name);
    if (old !== undefined && !replace) throw new FsError('EEXIST', 'copy', { subject: name });
    if (old?.kind === 'folder') throw new FsError('EISDIR', 'copy', { subject: name });
    return { parent, old };
  }

  async #copyFile(node: Entry, to: Place, replace: boolean): Promise<Attr> {
    let fork: StagedFile | undefined;
    try {
      const sealed = await this.#files.snapshot(node);
      fork = sealed === undefined ? undefined : await this.#staging.fork(sealed);
      // A copy that was made only for this is discarded with its fork.
      if (sealed !== undefined && !this.#isNamed(node.id, sealed.id)) this.#treeWriter.drop(sealed.id);
      while (this.#folderLocks.isClosed(to.parent)) await this.#folderLocks.opened(to.parent);
      const source = this.#tree.node(node.id, 'copy');
      const { parent, old } = this.#target(to, replace);
      const content = fork === undefined ? byReference(source) : { staged: fork.id, size: fork.size };
      if (content === undefined) {
        if (source.staged === undefined) throw lost(source);
        // A write has begun since.
        return await this.#copyFile(node, to, replace);
      }
      const place = { parent, name: to.name, old };
      if (fork === undefined && source.hash !== undefined) this.#store.share(source.hash);
      const { entry } = await this.#replacer.replace(
        place,
        { ...content, version: newId(this.#now()) },
        metadata(source),
        'copy',
      );
      return attrOf(entry);
    } catch (error) {
      if (fork !== undefined) this.#treeWriter.drop(fork.id);
      throw error;
    } finally {
      fork?.close();
    }
  }

  #isNamed(node: NodeId, staged: string): boolean {
    return this.#catalog.get(node)?.staged === staged || this.#journal.names(staged);
  }

  async #copySymlink(node: Entry, to: Place, replace: boolean): Promise<Attr> {
    const { parent, old } = this.#target(to, replace);
    const { target: text = '', size } = node;
    const made: Entry = assign(this.#creator.newEntry(parent, to.name, 'symlink', metadata(node), 'copy'), {
      target: text,
      size,
    });
    const given = old === undefined ? undefined : this.#planner.giveName(old, made, this.#catalog.seen(old.space));
    const freed = given === undefined || old === undefined ? [] : [...given.ops, ...this.#catalog.remove(old)];
    const { entry, ops } = this.#creator.plan(parent, made, undefined, given?.replace);
    await this.#creator.submit(parent, entry, [...freed, ...ops]);
    if (old !== undefined) this.#treeWriter.discard([{ node: old.id, staged: old.staged }]);
    return attrOf(entry);
  }
}

function lost({ name }: Entry): FsError {
  return new FsError('EIO', 'copy', { subject: name, reason: 'its content is neither here nor in the cloud' });
}

function byReference({ remote, hash, size }: Entry): { size: number; from?: string; hash?: string } | undefined {
  if (remote !== undefined && hash !== undefined) return { size, from: remote, hash };
  return size === 0 ? { size } : undefined;
}

/** The metadata that a copy inherits: as with `cp -p`, except for the time of creation. */
function metadata({ mode, mtime, xattrs }: Entry): NewAttr {
  return { mode, mtime, ...(xattrs === undefined ? {} : { xattrs }) };
}
