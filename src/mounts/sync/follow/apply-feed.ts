import type { Entry } from '../../../cache/tree/entry.ts';
import type { NodeRecord } from '../../../cloud/records.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { applyDeletion, type Removed } from './apply-deletion.ts';
import type { Removal } from './removal-guard.ts';
import type { Replica } from '../replica.ts';
import { sweepLater } from './sweep.ts';
import { settleFound } from '../lost-content.ts';
import { awaitsFolder } from './record-check.ts';
import { closesCircle, show } from './show.ts';

interface Tombstone extends Removed {
  readonly rev: number;
  /** Made by another device. */
  readonly foreign: boolean;
  /** When, by the clock of the cloud, ms. */
  readonly at?: number;
  readonly by?: string;
}

/**
 * Items from one space's feed that cannot be shown yet: records that collide with something pending here, and removals,
 * which wait until the feed is at its end, since nodes moved out of a folder may follow the folder's removal. The
 * cursor on disk stays before them, so a new process receives them again.
 */
export class FeedApplier {
  readonly #replica: Replica;
  readonly #live = new Map<NodeId, NodeRecord>();
  readonly #removed = new Map<NodeId, Tombstone>();
  /** Revisions of nodes that are stored below a folder which is not here: it may follow, or was removed here. */
  readonly #unparented = new Map<NodeId, number>();

  readonly #compare: () => void;

  /** `compare` is called when the cloud may have more to be shown than its feed will report. */
  constructor(replica: Replica, compare: () => void) {
    this.#replica = replica;
    this.#compare = compare;
  }

  /** True while something waits. */
  get isWaiting(): boolean {
    return this.#live.size + this.#removed.size + this.#unparented.size > 0;
  }

  /** Whether a record or the removal of a node is not shown yet. */
  waitsFor(id: NodeId): boolean {
    return this.#live.has(id) || this.#removed.has(id);
  }

  /** Nodes whose records are not shown yet. */
  get waiting(): Iterable<NodeId> {
    return this.#live.keys();
  }

  /** The smallest revision that is not shown yet. */
  get floor(): number {
    let floor = Infinity;
    for (const { rev } of this.#live.values()) floor = Math.min(floor, rev);
    for (const { rev } of this.#removed.values()) floor = Math.min(floor, rev);
    for (const rev of this.#unparented.values()) floor = Math.min(floor, rev);
    return floor;
  }

  /** What other devices have removed. */
  get foreignRemovals(): Removal[] {
    return [...this.#removed.values()].filter(({ foreign }) => foreign);
  }

  /** Whether the cloud has removed the node, which is still to be done here. */
  isGoing(id: NodeId): boolean {
    return this.#removed.has(id);
  }

  take(record: NodeRecord): void {
    const { id, rev } = record;
    const known = this.#live.get(id)?.rev ?? this.#removed.get(id)?.rev;
    if (known !== undefined && known > rev) return;
    this.#release(id);
    this.#removed.delete(id);
    if (record.removed) {
      const formerParent = this.#replica.nameless.get(id)?.parent;
      this.#replica.nameless.delete(id);
      this.#replica.recentDeletions.report(id, record);
      this.#takeRemoval(record, formerParent);
    } else if (!this.#show(record)) this.#keep(record);
  }

  /** Returns false if it has to wait. */
  #show(record: NodeRecord): boolean {
    settleFound(this.#replica, record);
    const lacksContents = this.#mayBeMovedOut(record);
    if (show(this.#replica, record) === 'wait') return false;
    if (lacksContents) this.#compare();
    const entry = this.#unparentedEntry(record.id);
    if (entry !== undefined && entry.rev === record.rev) this.#unparented.set(record.id, record.rev);
    return true;
  }

  /** A folder that is not here may have been in a tree that was removed here, and have been moved out of it elsewhere before. */
  #mayBeMovedOut({ id, kind, space, rev }: NodeRecord): boolean {
    const { catalog, journal } = this.#replica;
    if (kind !== 'folder' || catalog.get(id) !== undefined) return false;
    return journal.removesTree(space) || rev <= (catalog.space(space)?.treeRemoved ?? 0);
  }

  /** Keeps a record that is to be shown when what concerns it has been written. */
  hold(record: NodeRecord): void {
    const { id, rev } = record;
    const known = this.#live.get(id)?.rev ?? this.#removed.get(id)?.rev;
    if (!record.removed && (known === undefined || known < rev)) this.#keep(record);
  }

  #keep(record: NodeRecord): void {
    this.#live.set(record.id, record);
    this.#replica.waiting.set(record.id, record);
  }

  #release(id: NodeId): void {
    if (this.#live.delete(id)) this.#replica.waiting.delete(id);
  }

  /** A node that a snapshot did not have. */
  takeAbsence({ id, space, parent, name }: Removed, rev: number): void {
    this.#removed.set(id, { id, space, parent, name, rev, foreign: true });
  }

  /** Forgets all that waits. */
  reset(): void {
    for (const id of this.#live.keys()) this.#release(id);
    this.#removed.clear();
    this.#unparented.clear();
  }

  /** Drops live records that a snapshot shows to be out of date. */
  keepOnly(isThere: (id: NodeId) => boolean): void {
    for (const id of this.#live.keys()) if (!isThere(id)) this.#release(id);
  }

  /** Shows the records that nothing blocks any more. */
  revisit(): void {
    for (let before = -1; before !== this.#live.size;) {
      before = this.#live.size;
      for (const [id, record] of this.#live) if (this.#show(record)) this.#release(id);
    }
  }

  /** Drops and returns the records that wait for the end of a cycle that exists only in the cloud. A removal may still end it. */
  dropCircles(): NodeRecord[] {
    const { journal } = this.#replica;
    const found = [...this.#live.values()].filter(
      (record) => closesCircle(this.#replica, record) && !this.#isInRemoved(record),
    );
    // If something was moved here, too, the result of that move opens the cycle.
    const dropped = journal.size > 0 ? [] : found;
    for (const { id } of dropped) this.#release(id);
    return dropped;
  }

  /** Drops and returns the records of places in folders of other spaces, of which nothing says that they have moved. */
  dropForeign(): NodeRecord[] {
    const { journal, catalog } = this.#replica;
    if (journal.size > 0) return [];
    const found = [...this.#live.values()].filter((one) => !this.#live.has(one.parent) && awaitsFolder(catalog, one));
    for (const { id } of found) this.#release(id);
    return found;
  }

  /** Whether the folder that a record is of the place in, or one above that, is going. */
  #isInRemoved(record: NodeRecord): boolean {
    const { catalog } = this.#replica;
    const folder = catalog.get(this.#replica.folderOf(record));
    return folder !== undefined && [folder, ...catalog.ancestors(folder)].some(({ id }) => this.#removed.has(id));
  }

  /** Executes the removals; those that must wait for a result stay. */
  remove(): void {
    for (const [id, tombstone] of this.#removed) {
      if (applyDeletion(this.#replica, tombstone, tombstone.rev)) this.#removed.delete(id);
    }
    for (const id of this.#unparented.keys()) if (!this.#isExpected(id)) this.#unparented.delete(id);
  }

  /**
   * Whether the folder of an unparented node may still be shown. If not, it was removed here with all that was in it, and the node,
   * which the cloud got before the removal, goes, too. Should the removal be refused, the whole space is compared.
   */
  #isExpected(id: NodeId): boolean {
    const { journal, nameless, chores, waiting } = this.#replica;
    const entry = this.#unparentedEntry(id);
    if (entry === undefined) return false;
    const { parent } = entry;
    if (waiting.has(id) || this.#live.has(parent) || nameless.has(parent) || journal.replacements.has(parent))
      return true;
    if (chores.isMoving(parent)) return true;
    if (journal.has(id)) return false;
    this.#replica.retire(entry);
    if (entry.kind === 'folder') sweepLater(this.#replica, id);
    return false;
  }

  /** The node, if its folder is not here, nor is it a space's own. */
  #unparentedEntry(id: NodeId): Entry | undefined {
    const { catalog } = this.#replica;
    const entry = catalog.get(id);
    // Under the id of a folder that was created again here is what the cloud has removed with that folder.
    if (entry?.id !== id || catalog.get(entry.parent)?.id === entry.parent) return undefined;
    return catalog.space(entry.space)?.root === entry.parent ? undefined : entry;
  }

  #takeRemoval({ id, space, parent, name, kind, rev, device, ctime, by }: NodeRecord, formerParent?: NodeId): void {
    const { catalog, journal } = this.#replica;
    const entry = catalog.get(id);
    const foreign = device !== this.#replica.device;
    const known = entry?.id === id;
    if (!known && kind !== 'folder') return;
    // An earlier process has removed it, and the records of what was in it may have come before this one.
    if (!known && !foreign && !this.#replica.recentDeletions.has(id)) return sweepLater(this.#replica, id, rev);
    // Something may be stored below a folder that is not shown, or was created here again.
    if (known ? rev <= entry.rev : !foreign) return;
    // Removed here, too.
    if (journal.has(id) && this.#replica.localChanges(id).removal) return;
    const who = by?.device ?? by?.account;
    const about = { at: ctime, ...(who === undefined ? {} : { by: who }) };
    const former = formerParent === undefined ? {} : { formerParent };
    this.#removed.set(id, { id, space, parent, name, rev, foreign, ...about, ...former });
  }
}
