import { type LiveTree, checkMovable } from './live-tree.ts';
import type { TreeWriter } from './tree-writer.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { IntentPlanner } from '../intents/planner.ts';
import type { Activity } from './activity.ts';
import type { FolderLocks } from './folder-locks.ts';
import type { FreedNames } from './freed-names.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import type { Journal, PendingIntent } from '../../cache/tree/journal.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { NodeId } from '../../vfs/node.ts';
import { historyOf, isCreation, planRemove } from '../intents/plan.ts';
import type { Sweeper } from './sweeper.ts';

export interface RemoverParts {
  readonly tree: LiveTree;
  readonly treeWriter: TreeWriter;
  readonly catalog: Catalog;
  readonly planner: IntentPlanner;
  readonly activity: Activity;
  readonly journal: Journal;
  readonly folderLocks: FolderLocks;
  readonly sweeper: Sweeper;
  readonly freedNames: FreedNames;
}

/** Removes names, and the nodes that have them. */
export class Remover {
  readonly #tree: LiveTree;
  readonly #treeWriter: TreeWriter;
  readonly #catalog: Catalog;
  readonly #planner: IntentPlanner;
  readonly #activity: Activity;
  readonly #journal: Journal;
  readonly #folderLocks: FolderLocks;
  readonly #sweeper: Sweeper;
  readonly #freedNames: FreedNames;

  constructor({
    tree,
    treeWriter,
    catalog,
    planner,
    activity,
    journal,
    folderLocks,
    freedNames,
    sweeper,
  }: RemoverParts) {
    this.#tree = tree;
    this.#treeWriter = treeWriter;
    this.#catalog = catalog;
    this.#planner = planner;
    this.#activity = activity;
    this.#journal = journal;
    this.#folderLocks = folderLocks;
    this.#sweeper = sweeper;
    this.#freedNames = freedNames;
  }

  /** @throws EISDIR */
  async unlink(folder: NodeId, name: string): Promise<void> {
    const parent = this.#tree.folder(folder, 'unlink');
    const node = this.#tree.child(parent, name, 'unlink');
    checkMovable(node, parent, 'unlink');
    if (node.kind === 'folder') throw new FsError('EISDIR', 'unlink', { subject: name });
    this.#freeName(node);
    await this.#take(parent, node, this.#removalOps(node));
  }

  /** @throws ENOTDIR, ENOTEMPTY */
  async rmdir(folder: NodeId, name: string): Promise<void> {
    const look = (): [parent: Entry, node: Entry] => {
      const parent = this.#tree.folder(folder, 'rmdir');
      const node = this.#tree.child(parent, name, 'rmdir');
      checkMovable(node, parent, 'rmdir');
      if (node.kind !== 'folder') throw new FsError('ENOTDIR', 'rmdir', { subject: name });
      return [parent, node];
    };
    for (let done = false; !done;) {
      const [, { id }] = look();
      done = await this.#folderLocks.during(id, async () => {
        const isEmpty = await this.#catalog.isEmpty(id);
        const [parent, node] = look();
        if (node.id !== id) return false;
        if (!isEmpty) throw new FsError('ENOTEMPTY', 'rmdir', { subject: name });
        this.#checkMounts(node);
        await this.#take(parent, node, this.#removalOps(node, true));
        return true;
      });
    }
  }

  /** The tree vanishes with its folder, in one batch; the entries below are cleared away afterwards. */
  async removeTree(folder: NodeId, name: string): Promise<void> {
    const parent = this.#tree.folder(folder, 'removeTree');
    const node = this.#tree.child(parent, name, 'removeTree');
    checkMovable(node, parent, 'removeTree');
    if (node.kind !== 'folder') return await this.unlink(folder, name);
    this.#checkMounts(node);
    const below = this.#pendingBelow(node);
    const apart = this.#takeApart(below, node);
    this.#keepNamed(below);
    const ops = [...apart.flatMap((entry) => this.#removalIntents(entry)), ...this.#dropOps(below)];
    await this.#take(parent, node, [...ops, ...this.#removalOps(node), this.#sweeper.detach(node)]);
    this.#treeWriter.discard([...apart.map(({ id, staged }) => ({ node: id, staged })), ...[...below.values()].flat()]);
    await this.#sweeper.sweep();
  }

  /** A shared folder goes alone, by being left, and not while changes in it wait. @throws EPERM, EBUSY */
  #checkMounts(node: Entry): void {
    const [mount, ...others] = this.#catalog.mountsBelow(node);
    if (mount === undefined) return;
    const refuse = (reason: string): never => {
      throw new FsError('EPERM', 'remove', { subject: node.name, reason });
    };
    if (mount.id !== node.id || others.length > 0) refuse(`there is a shared folder in it: ${mount.name}`);
    const owned = this.#catalog.space(mount.mount ?? '')?.role === 'owner';
    if (owned) refuse('it is shared: `fjord leave --for-all` removes it for all members');
    if (this.#pendingBelow(node).size === 0 && !this.#isLeaving(mount.mount)) return;
    throw new FsError('EBUSY', 'remove', {
      subject: node.name,
      reason: 'changes in it, or moves out of it, have not reached the cloud yet',
    });
  }

  /** Whether something is yet to move out of a space. */
  #isLeaving(from: string | undefined): boolean {
    for (const { space, targetSpace } of this.#journal.all())
      if (space === from && targetSpace !== undefined) return true;
    return false;
  }

  /** The file that takes the name next continues its history. */
  #freeName(node: Entry): void {
    this.#freedNames.add(node, historyOf(node, this.#planner.waiting(node.id)));
  }

  /**
   * Takes out the nodes whose removal concerns what the cloud has outside the folder: the node itself, or another one whose name it took
   * on its way here. Removing the folder there would leave that.
   */
  #takeApart(below: Map<NodeId, PendingIntent[]>, folder: Entry): Entry[] {
    const isBelow = this.#below(folder);
    const found: Entry[] = [];
    for (const [id, intents] of below) {
      const isOutside = intents.some(({ op }) => op === 'move') && !intents.some(isCreation);
      const replaces = intents.some(({ replace, parent }) => replace !== undefined && !isBelow(parent));
      const entry = isOutside || replaces ? this.#catalog.get(id) : undefined;
      if (entry === undefined) continue;
      below.delete(id);
      found.push(entry);
    }
    return found;
  }

  /** Drops the intents of nodes in a folder that is removed. Those that they were to replace are removed with the folder. */
  #dropOps(below: ReadonlyMap<NodeId, readonly PendingIntent[]>): Op[] {
    return [...below.values()].flat().flatMap(({ seq, replace }) => {
      return [
        this.#journal.remove(seq),
        ...(replace === undefined ? [] : [this.#journal.replacements.settle(replace)]),
      ];
    });
  }

  #removalOps(node: Entry, empty = false): Op[] {
    return [...this.#removalIntents(node, empty), ...this.#catalog.remove(node)];
  }

  /** `empty`: only if the folder is empty in the cloud, too. */
  #removalIntents(node: Entry, empty = false): Op[] {
    const seen = this.#catalog.seen(node.space);
    const removal = { seen, isNamed: this.#planner.isNamed(node), empty };
    return this.#planner.ops(planRemove(node, this.#planner.waiting(node.id), removal));
  }

  async #take(parent: Entry, node: Entry, ops: readonly Op[]): Promise<void> {
    this.#activity.forget(node.id);
    const told = [{ what: 'entry', folder: parent.id, name: node.name, removed: node.id }] as const;
    await this.#treeWriter.submit([...ops, this.#treeWriter.touched(parent)], told);
    this.#treeWriter.discard([{ node: node.id, staged: node.staged }]);
  }

  /**
   * Takes out the creations of folders that intents which stay lead into or out of: what was moved out of a new folder was made in it. They
   * are removed with the tree.
   */
  #keepNamed(below: Map<NodeId, PendingIntent[]>): void {
    const dropped = new Set([...below.values()].flat().map(({ seq }) => seq));
    const keep = (id: NodeId): void => {
      const intents = below.get(id);
      if (intents?.some(isCreation) !== true) return;
      below.delete(id);
      for (const { parent, origin } of intents) [parent, origin?.parent ?? parent].forEach(keep);
    };
    for (const { seq, parent, origin } of this.#journal.all()) {
      if (!dropped.has(seq)) [parent, origin?.parent ?? parent].forEach(keep);
    }
  }

  /** What waits for nodes below a folder and has not been sent, by node. */
  #pendingBelow(folder: Entry): Map<NodeId, PendingIntent[]> {
    const isBelow = this.#below(folder);
    const found = new Map<NodeId, PendingIntent[]>();
    for (const intent of this.#journal.all()) {
      const { node, seq } = intent;
      if (node === folder.id || this.#journal.isFixed(seq) || !isBelow(node)) continue;
      const own = found.get(node);
      if (own === undefined) found.set(node, [intent]);
      else own.push(intent);
    }
    return found;
  }

  /** A test of whether a node is a folder or below it, which remembers what it has found out. */
  #below(folder: Entry): (id: NodeId) => boolean {
    const known = new Map<NodeId, boolean>([[folder.id, true]]);
    const isBelow = (id: NodeId): boolean => {
      const found = known.get(id);
      if (found !== undefined) return found;
      // For folders that are in each other for a moment.
      known.set(id, false);
      const parent = this.#catalog.get(id)?.parent;
      const result = parent !== undefined && isBelow(parent);
      known.set(id, result);
      return result;
    };
    return isBelow;
  }
}
