import { type LiveTree, checkMovable } from './live-tree.ts';
import type { TreeWriter } from './tree-writer.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { IntentPlanner } from '../intents/planner.ts';
import type { Activity } from './activity.ts';
import type { OpenFiles } from './open/open-files.ts';
import type { ContentStore } from '../../cache/content/content.ts';
import type { FolderLocks } from './folder-locks.ts';
import type { FreedNames } from './freed-names.ts';
import { attrOf, type Entry, innerSpace, nextCtime } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import { assign } from '../../vfs/assign.ts';
import type { Place, RenameFlags } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { checkName } from '../../vfs/name.ts';
import type { Attr, NodeId } from '../../vfs/node.ts';
import { isLocal } from './create.ts';
import { newId } from '../../vfs/ids.ts';
import { NO_NESTING, OTHER_MOUNT } from '../policy/policy.ts';
import {
  historyOf,
  planContent,
  planCreation,
  planMove,
  planPlainMove,
  type Replaced,
  withBase,
} from '../intents/plan.ts';

/** Both ends of a rename as they are in one turn of the event loop. */
interface Ends {
  readonly source: Entry;
  readonly node: Entry;
  readonly target: Entry;
  readonly name: string;
  /** The entry that has the new name. */
  readonly other: Entry | undefined;
}

export interface RenamerParts {
  readonly tree: LiveTree;
  readonly treeWriter: TreeWriter;
  readonly catalog: Catalog;
  readonly planner: IntentPlanner;
  readonly activity: Activity;
  readonly files: OpenFiles;
  readonly store: ContentStore;
  readonly folderLocks: FolderLocks;
  readonly freedNames: FreedNames;
  /** ms since 1970 */
  readonly now: () => number;
  /** Whether a node may only get new versions, and neither move nor go. */
  readonly isSealed: (entry: Entry) => boolean;
  /** Whether nodes move to and from the space by renaming. */
  readonly isCrossing: (space: string) => boolean;
  /** Whether nodes of the space are sealed. */
  readonly isSealing: (space: string) => boolean;
}

/** Renames and exchanges nodes. */
export class Renamer {
  readonly #tree: LiveTree;
  readonly #treeWriter: TreeWriter;
  readonly #catalog: Catalog;
  readonly #planner: IntentPlanner;
  readonly #activity: Activity;
  readonly #files: OpenFiles;
  readonly #store: ContentStore;
  readonly #folderLocks: FolderLocks;
  readonly #freedNames: FreedNames;
  readonly #now: () => number;
  readonly #isSealed: (entry: Entry) => boolean;
  readonly #isCrossing: (space: string) => boolean;
  readonly #isSealing: (space: string) => boolean;

  constructor({
    tree,
    treeWriter,
    catalog,
    planner,
    activity,
    files,
    store,
    folderLocks,
    freedNames,
    now,
    isSealed,
    isCrossing,
    isSealing,
  }: RenamerParts) {
    this.#tree = tree;
    this.#treeWriter = treeWriter;
    this.#catalog = catalog;
    this.#planner = planner;
    this.#activity = activity;
    this.#files = files;
    this.#store = store;
    this.#folderLocks = folderLocks;
    this.#freedNames = freedNames;
    this.#now = now;
    this.#isSealed = isSealed;
    this.#isCrossing = isCrossing;
    this.#isSealing = isSealing;
  }

  /** See `FileSystem.rename`. */
  async rename(from: Place, to: Place, flags: RenameFlags): Promise<Attr> {
    for (;;) {
      const ends = this.#check(from, to, flags);
      const { node, other } = ends;
      if (other?.id === node.id) return attrOf(node);
      if (other === undefined) return await this.#move(ends);
      if (flags.exchange === true) return await this.#exchange({ ...ends, other });
      if (other.kind !== 'folder') return await this.#replace({ ...ends, other });
      const moved = await this.#folderLocks.during(other.id, () => this.#overEmpty(other, { from, to, flags }));
      if (moved !== undefined) return moved;
    }
  }

  /** `undefined` if the ends were changed while the folder was looked into. */
  async #overEmpty(
    other: Entry,
    { from, to, flags }: { readonly from: Place; readonly to: Place; readonly flags: RenameFlags },
  ): Promise<Attr | undefined> {
    const isEmpty = await this.#catalog.isEmpty(other.id);
    const ends = this.#check(from, to, flags);
    if (ends.other?.id !== other.id) return undefined;
    if (!isEmpty) throw new FsError('ENOTEMPTY', 'rename', { subject: to.name });
    return await this.#replace({ ...ends, other: ends.other });
  }

  #check(from: Place, to: Place, flags: RenameFlags): Ends {
    const source = this.#tree.folder(from.parent, 'rename');
    const target = this.#tree.folder(to.parent, 'rename');
    checkName(to.name, 'rename');
    const node = this.#tree.child(source, from.name, 'rename');
    const isCrossing = innerSpace(source) !== innerSpace(target);
    if (isCrossing) this.#checkCrossing(node, source, target, flags);
    checkMovable(node, source, 'rename');
    const other = this.#tree.occupant(target, to.name);
    if (other !== undefined) checkMovable(other, target, 'rename');
    this.#checkFlags({ source, node, target, name: to.name, other }, flags);
    if (target.local === true && node.local !== true)
      throw refuse('EXDEV', node, 'the folder is kept on this computer');
    if (node.local === true && node.kind === 'folder' && !isLocal(target, to.name)) {
      throw refuse('EXDEV', node, 'the folder is kept on this computer');
    }
    return { source, node, target, name: to.name, other };
  }

  /** Between Sync and what is shared in it, but for shared folders themselves. */
  #checkCrossing(node: Entry, source: Entry, target: Entry, { exchange = false }: RenameFlags): void {
    if (![source, target].every((folder) => this.#isCrossing(innerSpace(folder)))) {
      throw refuse('EXDEV', node, OTHER_MOUNT);
    }
    if (exchange) throw refuse('ENOTSUP', node, 'names are exchanged within one shared folder');
    if (node.mount !== undefined || this.#catalog.mountsBelow(node).length > 0) {
      throw refuse('EPERM', node, NO_NESTING);
    }
  }

  /** What POSIX and `renameat2` refuse. */
  #checkFlags({ source, node, target, other }: Ends, flags: RenameFlags): void {
    const { noReplace = false, exchange = false } = flags;
    if (noReplace && exchange) throw refuse('EINVAL', node);
    if (noReplace && other !== undefined) throw refuse('EEXIST', other);
    if (exchange && other === undefined) throw refuse('ENOENT', node);
    if (this.#tree.contains(node, target)) throw refuse('EINVAL', node, 'a folder cannot go into itself');
    if (other === undefined || other.id === node.id) return;
    if (exchange) {
      if (this.#tree.contains(other, source)) throw refuse('EINVAL', other, 'a folder cannot go into itself');
      if (node.local !== other.local) throw refuse('ENOTSUP', node, 'one of them is kept on this computer');
      return;
    }
    if (this.#tree.contains(other, source)) throw refuse('ENOTEMPTY', other);
    if (node.kind === 'folder' && other.kind !== 'folder') throw refuse('ENOTDIR', other);
    if (node.kind !== 'folder' && other.kind === 'folder') throw refuse('EISDIR', other);
  }

  async #move(ends: Ends): Promise<Attr> {
    const { after, ops } = this.#movedOps(ends);
    return await this.#finish(ends, after, ops);
  }

  async #replace(ends: Ends & { readonly other: Entry }): Promise<Attr> {
    const { node, other } = ends;
    if (node.kind === 'file' && other.kind === 'file' && this.#isSealed(other)) return await this.#supersede(ends);
    const by = node.local === true && isLocal(ends.target, ends.name) ? node : {};
    const { ops: given, replace } = this.#planner.giveName(other, by, this.#catalog.seen(other.space));
    const freed = [...given, ...this.#catalog.remove(other)];
    const { after, ops } = this.#movedOps(ends, replace);
    this.#activity.forget(other.id);
    if (other.hash !== undefined) this.#store.supersede(other.hash);
    const attr = await this.#finish(ends, after, [...freed, ...ops]);
    this.#treeWriter.discard([{ node: other.id, staged: other.staged }]);
    return attr;
  }

  /** A sealed file keeps its node and gets the content of the renamed one as a new version. */
  async #supersede({ source, node, target, other }: Ends & { other: Entry }): Promise<Attr> {
    const { staged, version, size, mode, mtime } = node;
    const { hash: _hash, remote: _remote, ...kept } = withBase(other);
    const waiting = this.#planner.waiting(node.id);
    // The cloud may have it, and would keep it.
    if (staged === undefined || waiting.some(({ fixed }) => fixed)) throw refuse('EPERM', node, 'it is being sealed');
    const after: Entry = assign(kept, { staged, version, size, mode, mtime, ctime: nextCtime(other, this.#now()) });
    const writing = this.#files.get(node.id)?.content.isWriting === true ? ({ writing: true } as const) : {};
    const ops = [
      ...this.#planner.ops({ add: [], rewrite: [], drop: waiting.map(({ intent }) => intent) }),
      ...this.#planner.ops(planContent(other, this.#planner.waiting(other.id), { version, staged, ...writing })),
      ...this.#catalog.remove(node),
      this.#catalog.update(after),
      this.#treeWriter.touched(source),
    ];
    this.#activity.changed(other.id, size);
    const told = [
      { what: 'entry', folder: source.id, name: node.name },
      { what: 'entry', folder: target.id, name: other.name },
      { what: 'node', node: other.id, content: true },
    ] as const;
    const written = this.#treeWriter.submit(ops, told);
    if (!this.#files.isOpen(other.id)) this.#files.rebind(node.id, other.id);
    await written;
    return attrOf(after);
  }

  #movedOps(ends: Ends, replace?: Replaced): { after: Entry; ops: Op[] } {
    const { node, target, name } = ends;
    const place = { parent: target.id, name };
    const space = innerSpace(target);
    const ctime = nextCtime(node, this.#now());
    if (node.local !== true) {
      const waiting = this.#planner.waiting(node.id);
      // An intent that replaces a node is always sent.
      this.#freedNames.add(node, node.kind === 'file' && replace !== undefined ? node.id : historyOf(node, waiting));
      const isCrossing = space !== node.space;
      const heritage = { replace, predecessor: isCrossing ? undefined : this.#predecessorOf(node, place) };
      const to = { ...place, space };
      const turns = this.#planner.turns(place, this.#isSealing(node.space));
      const plan = planMove(node, waiting, to, turns, heritage);
      const after = { ...withCrossingBase(node, space), ...place, space, ctime };
      return { after, ops: [...this.#planner.ops(plan), ...this.#catalog.put(after, node)] };
    }
    if (isLocal(target, name)) {
      const after = { ...node, ...place, space, ctime };
      return { after, ops: this.#catalog.put(after, node) };
    }
    const { local: _local, ...ordinary } = node;
    const after: Entry = assign(ordinary, { ctime, base: null, ...place, space });
    const writing = this.#files.get(node.id)?.content.isWriting === true ? ({ writing: true } as const) : {};
    const staged = node.staged === undefined ? {} : { staged: node.staged };
    const content = node.kind === 'file' ? { version: node.version, ...staged, ...writing } : undefined;
    const creation = planCreation(after, content, { replace, predecessor: this.#predecessorOf(node, place) });
    return { after, ops: [...this.#planner.ops(creation), ...this.#catalog.put(after, node)] };
  }

  /** Whose history a file continues at its new place. */
  #predecessorOf({ id, kind }: Entry, place: Place): NodeId | undefined {
    return kind === 'file' ? this.#freedNames.take(place, id) : undefined;
  }

  async #finish(ends: Ends, after: Entry, ops: readonly Op[]): Promise<Attr> {
    const { source, target, node, name } = ends;
    const folders = source.id === target.id ? [source] : [source, target];
    this.#activity.filled(target.id);
    this.#activity.changed(node.id);
    this.#files.get(node.id)?.content.amend({ ctime: after.ctime });
    const told = [
      { what: 'entry', folder: source.id, name: node.name },
      { what: 'entry', folder: target.id, name },
    ] as const;
    await this.#treeWriter.submit([...ops, ...folders.map((folder) => this.#treeWriter.touched(folder))], told);
    return attrOf(after);
  }

  /**
   * The cloud has no exchange: one node is moved to a temporary name, the other to its place, the first to the other's.
   */
  async #exchange(ends: Ends & { readonly other: Entry }): Promise<Attr> {
    const { source, node, target, other } = ends;
    const [here, there] = [placeOf(node), placeOf(other)];
    const planned = (entry: Entry, to: ReturnType<typeof placeOf>): Op[] => {
      if (entry.local === true) return [];
      const add = [planPlainMove(entry, this.#planner.waiting(entry.id), to)];
      return this.#planner.ops({ add, rewrite: [], drop: [] });
    };
    const at = this.#now();
    const after = { ...withBaseUnlessLocal(node), ...there, ctime: nextCtime(node, at) };
    const swapped = { ...withBaseUnlessLocal(other), ...here, ctime: nextCtime(other, at) };
    const ops = [
      ...planned(node, { ...here, name: `.fjord-${newId(at)}` }),
      ...planned(other, here),
      ...planned(node, there),
      ...this.#catalog.put(after),
      ...this.#catalog.put(swapped),
    ];
    this.#activity.changed(other.id);
    this.#files.get(other.id)?.content.amend({ ctime: swapped.ctime });
    return await this.#finish({ source, node, target, name: other.name, other }, after, ops);
  }
}

/** The space that the cloud has the node in is part of what both sides agree on. */
function withCrossingBase(entry: Entry, space: string): Entry {
  const based = withBase(entry);
  if (space === entry.space || based.base === undefined || based.base === null) return based;
  return { ...based, base: { space: entry.space, ...based.base } };
}

function withBaseUnlessLocal(entry: Entry): Entry {
  return entry.local === true ? entry : withBase(entry);
}

function placeOf({ parent, name }: Entry): { parent: NodeId; name: string } {
  return { parent, name };
}

function refuse(
  code: 'EINVAL' | 'EEXIST' | 'ENOENT' | 'EXDEV' | 'ENOTDIR' | 'ENOTEMPTY' | 'EISDIR' | 'ENOTSUP' | 'EPERM',
  entry: Entry,
  reason?: string,
): FsError {
  return new FsError(code, 'rename', { subject: entry.name, reason });
}
