import { newId } from '../../vfs/ids.ts';
import PQueue from 'p-queue';
import { type Entry, looksSame } from '../../cache/tree/entry.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Content, ContentStore, StagedFile, Staging } from '../../cache/content/content.ts';
import type { GroupWriter, Op } from '../../cache/db/group-writer.ts';
import type { Change, Place } from '../../vfs/file-system.ts';
import type { Activity } from '../drive/activity.ts';
import type { Changes } from '../drive/changes.ts';
import type { StagedCollector } from '../drive/staged-collector.ts';
import type { OpenFiles } from '../drive/open/open-files.ts';
import type { Policy, PolicyOf } from '../policy/policy.ts';
import type { Chore, Chores } from './chores.ts';
import type { Conflicts } from './conflict/conflicts.ts';
import type { Journal, PendingIntent } from '../../cache/tree/journal.ts';
import type { NodeRecord } from '../../cloud/records.ts';
import { assign } from '../../vfs/assign.ts';
import type { NodeId } from '../../vfs/node.ts';
import { conflictName } from './conflict/conflict.ts';
import { RecentDeletions } from './follow/recent-deletions.ts';
import { IntentPlanner } from '../intents/planner.ts';
import { localChangesOf, merge, type LocalChanges } from './conflict/merge.ts';
import { isCreation, planPlainMove, withBase } from '../intents/plan.ts';
import type { SyncLog } from './sync-log.ts';
import { UploadPace } from './upload/pace.ts';

/** Deferred tasks that run at a time: more would delay programs and uploads. */
const TIDYING = 32;

export interface ReplicaParts {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly writer: GroupWriter;
  readonly staging: Staging;
  readonly store: ContentStore;
  readonly conflicts: Conflicts;
  readonly chores: Chores;
  readonly openFiles: Pick<OpenFiles, 'rebind' | 'isOpen'>;
  readonly stagedCollector: Pick<StagedCollector, 'collect' | 'hold'>;
  readonly activity: Pick<Activity, 'rebind' | 'isBusy'>;
  readonly changes: Pick<Changes, 'emit'>;
  readonly policyOf: PolicyOf;
  readonly device: { readonly id: string; readonly name: string };
  /** ms since 1970 */
  readonly now: () => number;
  readonly log: SyncLog;
}

/**
 * The changes that the two loops make to the local tree. Each is checked and submitted in one turn of the event loop,
 * catalog and journal together, and then emitted to the listeners: of the changes of one turn a crash leaves all or none.
 * `written` resolves when all of it is on disk.
 */
export class Replica {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly planner: IntentPlanner;
  readonly chores: Chores;
  readonly recentDeletions = new RecentDeletions();
  readonly pace: UploadPace;
  /** Nodes of the cloud that are not shown because another has their name, until a record contains their new place. */
  readonly nameless = new Map<NodeId, NodeRecord | Entry>();
  /** Records of the cloud that are not shown yet: what is here of their nodes may still be where they have left. */
  readonly waiting = new Map<NodeId, NodeRecord>();
  readonly #parts: ReplicaParts;
  readonly #background = new PQueue({ concurrency: TIDYING });
  #written: Promise<void> = Promise.resolve();

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.catalog = parts.catalog;
    this.journal = parts.journal;
    this.chores = parts.chores;
    this.planner = new IntentPlanner(parts);
    this.pace = new UploadPace(parts.now);
  }

  /** The id that a node has now. */
  resolve(id: NodeId): NodeId {
    return this.catalog.get(id)?.id ?? id;
  }

  /**
   * Where a record is shown. What was in a folder when the cloud removed it is not in the one that was created for it here: it
   * stays under the old id, where it is not seen and is swept.
   */
  folderOf({ parent, rev }: NodeRecord): NodeId {
    return this.catalog.isRemoved(parent, rev) ? parent : this.resolve(parent);
  }

  newId(): string {
    return newId(this.now());
  }

  /** ms since 1970 */
  now(): number {
    return this.#parts.now();
  }

  /** The id of this computer. */
  get device(): string {
    return this.#parts.device.id;
  }

  policyOf(of: Pick<Entry, 'space'>): Policy {
    return this.#parts.policyOf(of);
  }

  /** True while a program may be changing the node. */
  isBusy(node: NodeId): boolean {
    return this.#parts.activity.isBusy(node);
  }

  /** What programs do with one node they do with another one from now on. */
  rebind(from: NodeId, to: NodeId): void {
    this.#parts.openFiles.rebind(from, to);
    this.#parts.activity.rebind(from, to);
  }

  /** Notifies the doors of a change that is visible. */
  notify(change: Change): void {
    this.#parts.changes.emit(change);
  }

  /** The op that lists a node as one that has lost its `name`, or its content's, to another device's. */
  noteConflict(node: NodeId, name: string): Op {
    return this.#parts.conflicts.add({ node, name, at: this.now() });
  }

  /** A file that had this content has another one. */
  supersede(hash: string): void {
    this.#parts.store.supersede(hash);
  }

  submit(ops: readonly Op[]): void {
    if (ops.length > 0) this.#written = this.#parts.writer.join(ops);
  }

  /** @throws EIO when the database cannot be written */
  async written(): Promise<void> {
    await this.#written;
  }

  /** Does what a change in this turn requires; the next process does it if this one ends before. */
  async do(chore: Chore, task: () => Promise<void>): Promise<void> {
    const key = this.newId();
    this.submit([this.chores.add(key, chore)]);
    await this.#finish(key, task);
  }

  /** Does in the background what an earlier process has left. */
  resume(key: string, task: () => Promise<void>): void {
    this.later(() => this.#finish(key, task));
  }

  async #finish(key: string, task: () => Promise<void>): Promise<void> {
    await task();
    this.submit([this.chores.remove(key)]);
  }

  /** Defers a task that need not be done in this turn; as a `chore`, as with `do`. */
  later(task: () => Promise<void>, chore?: Chore): void {
    if (chore !== undefined) {
      const key = this.newId();
      this.submit([this.chores.add(key, chore)]);
      return this.resume(key, task);
    }
    this.#background.add(task).catch((error: unknown) => this.#parts.log.warn({ err: error }, 'cleaning up failed'));
  }

  /** Resolves when the deferred tasks are done. */
  async idle(): Promise<void> {
    await this.#background.onIdle();
    await this.written();
  }

  localChanges(node: NodeId): LocalChanges {
    return localChangesOf(this.journal.of(node));
  }

  /** True while the cloud may have executed an intent of the node that still waits here. */
  isUnsure(node: NodeId): boolean {
    const { journal } = this;
    return journal.has(node) && journal.of(node).some(({ seq }) => journal.isFixed(seq));
  }

  /** Shows a record, except for the parts that were changed here. The place must be free. */
  apply(before: Entry | undefined, record: NodeRecord, local: LocalChanges): Entry {
    const entry = merge(before, record, local, this.folderOf(record));
    const { journal } = this;
    const superseded = before?.hash !== undefined && before.hash !== entry.hash && !journal.has(before.id);
    if (superseded) this.supersede(before.hash);
    this.put(entry, before);
    return entry;
  }

  put(entry: Entry, before: Entry | undefined, more: readonly Op[] = []): void {
    this.submit([...this.catalog.put(entry, before), ...more]);
    this.#notify(entry, before);
  }

  /** Removes a node from the tree, with its intents and what it alone refers to. */
  retire(entry: Entry): void {
    const { catalog, journal } = this;
    const intents = journal.of(entry.id);
    const ops = [
      ...catalog.remove(entry),
      ...intents.map(({ seq }) => journal.remove(seq)),
      this.#parts.conflicts.remove(entry.id),
    ];
    this.submit(ops);
    for (const staged of stagedOf(entry, intents)) this.discard(entry.id, staged);
    this.notify({ what: 'entry', folder: entry.parent, name: entry.name, removed: entry.id });
  }

  /** Moves a node to another place and plans the same move for the cloud. The place must be free. */
  rehome(entry: Entry, to: Place): Entry {
    const { catalog } = this;
    const { base, ...rest } = withBase(entry);
    const local = entry.local === true;
    const moved: Entry = assign(assign(rest, to), local || base === undefined ? {} : { base });
    const ops = local ? [] : this.#planMove(entry, to);
    this.submit([...catalog.put(moved, entry), ...ops]);
    this.#notify(moved, entry);
    this.keepOrder([moved.id]);
    return moved;
  }

  /** Renames a node because another one has its name in the cloud. */
  giveWay(entry: Entry): Entry {
    const name = this.conflictName(entry);
    this.submit([this.noteConflict(entry.id, entry.name)]);
    this.#parts.log.info({ path: this.catalog.path(entry), name }, 'two files want one name');
    return this.rehome(entry, { parent: this.resolve(entry.parent), name });
  }

  conflictName({ parent, name }: Entry): string {
    const { catalog } = this;
    const { device, now } = this.#parts;
    const folder = this.resolve(parent);
    return conflictName(name, device.name, new Date(now()), (other) => catalog.child(folder, other) !== undefined);
  }

  /**
   * Moves the intents of nodes to the end of the order, after those that they depend on. Their dependents stay: one
   * that is refused now is moved after them in its turn, to where its node is by then. Moving dependents along could
   * also move what they depend on.
   */
  requeue(nodes: Iterable<NodeId>): void {
    const { journal } = this;
    const own = [...new Set(nodes)].flatMap((node) => journal.of(node)).sort((a, b) => a.seq - b.seq);
    const ops = own.flatMap((intent) => {
      const { parked: _parked, ...rest } = intent;
      const since = intent.since ?? intent.seq;
      return [journal.remove(intent.seq), journal.put({ ...rest, since, seq: journal.nextSeq(), id: this.newId() })];
    });
    this.submit(ops);
  }

  /** Moves the waiting intents of nodes behind the intents that create their target folders. */
  keepOrder(nodes: Iterable<NodeId>): void {
    const { journal } = this;
    const early = [...nodes].filter((node) => {
      return journal
        .of(node)
        .some(({ seq, parent }) => journal.of(parent).some((made) => isCreation(made) && made.seq > seq));
    });
    if (early.length > 0) this.requeue(early);
  }

  /** Takes a content that the cloud has let go of out of the store, to be uploaded; `busy` while it is read. */
  reclaim(content: Content): StagedFile | 'busy' | undefined {
    const { staging, store } = this.#parts;
    if (!store.has(content.hash)) return undefined;
    return staging.seize(content) ?? 'busy';
  }

  /** What waits for a node belongs to another space: the cloud has the node there. */
  moveIntents(node: NodeId, space: string): void {
    const { journal } = this;
    const unsent = journal.of(node).filter(({ seq, space: known }) => !journal.isFixed(seq) && known !== space);
    this.submit(unsent.map((intent) => journal.put({ ...intent, space, id: this.newId() })));
  }

  /** Frees the space of a content that is no longer needed. */
  discard(node: NodeId, staged: string): void {
    this.later(() => this.#parts.stagedCollector.collect(node, staged));
  }

  /** The cloud has the bytes of a staged file: it becomes cached content, or is removed if `content` is absent or empty. */
  settleStaged(node: NodeId, file: StagedFile, content: Content | undefined): void {
    const { staging, openFiles, stagedCollector } = this.#parts;
    const drop = content === undefined || content.size === 0;
    const release = stagedCollector.hold(file.id);
    this.later(async () => {
      try {
        await this.written();
        await (drop ? staging.discard(file.id) : staging.adopt(file, content, []));
        release();
      } catch (error) {
        release();
        await stagedCollector.collect(node, file.id);
        throw error;
      }
      if (!openFiles.isOpen(node)) file.close();
    });
  }

  #planMove(entry: Entry, to: Place): Op[] {
    const waiting = this.planner.waiting(entry.id);
    const last = waiting.findLast(({ intent }) => intent.op === 'move' || isCreation(intent));
    if (last === undefined || last.fixed) {
      return this.planner.ops({ add: [planPlainMove(entry, waiting, to)], rewrite: [], drop: [] });
    }
    const { replace: _replace, replaceBase: _base, parked: _parked, ...intent } = last.intent;
    return [this.journal.put({ ...intent, ...to, id: this.newId() })];
  }

  #notify(entry: Entry, before: Entry | undefined): void {
    const { id, parent, name } = entry;
    if (before === undefined || before.parent !== parent || before.name !== name || before.id !== id) {
      if (before !== undefined) this.notify({ what: 'entry', folder: before.parent, name: before.name });
      this.notify({ what: 'entry', folder: parent, name });
    }
    if (before !== undefined && !looksSame(entry, before)) {
      this.notify({ what: 'node', node: id, content: entry.version !== before.version });
    }
  }
}

/** The staged files that an entry and its intents name. */
export function stagedOf(entry: Entry, intents: readonly PendingIntent[]): Set<string> {
  const all = [entry.staged, ...intents.map(({ staged }) => staged)];
  return new Set(all.filter((staged) => staged !== undefined));
}
