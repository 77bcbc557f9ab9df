import { setTimeout as timer } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { SpaceLoss, SpaceState } from '../../../cache/tree/catalog.ts';
import type { BadRecord, Remote } from '../../../cloud/remote.ts';
import type { ContentStore, Staging } from '../../../cache/content/content.ts';
import type { Issues } from '../issues.ts';
import type { SyncLog } from '../sync-log.ts';
import { agreedSpace, type Entry } from '../../../cache/tree/entry.ts';
import { inward } from '../shared-root.ts';
import { marksAt, withMark } from '../../../cloud/marks.ts';
import type { Cursor, Mark, NodeRecord, Rewound } from '../../../cloud/records.ts';
import type { Context } from '../../../vfs/context.ts';
import { isFsError } from '../../../vfs/fs-error.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { FeedApplier } from './apply-feed.ts';
import { IdSet } from './id-set.ts';
import { FOREIGN_PARENT, misplacement } from './record-check.ts';
import { Rewind } from './rewind.ts';
import { type HeldFiles, RemovalGuard } from './removal-guard.ts';
import type { Replica } from '../replica.ts';
import { markAbsent } from './resync.ts';
import { BIN } from '../../drive/sweeper.ts';

/** Records that are shown in one turn of the event loop. */
const CHUNK = 200;
/** Why a node is not shown; it may be when that one has gone. */
export const NAME_TAKEN = 'another file or folder has its name';

export interface SpaceFollowerParts {
  readonly remote: Remote;
  readonly store: ContentStore;
  readonly staging: Staging;
  readonly issues: Issues;
  readonly log: SyncLog;
  /** Asks the cloud again which spaces there are. */
  readonly relist: () => void;
  /** A node has moved from one space to another, whose feed has to show it. */
  readonly arrives: (node: NodeId, from: string, to: string) => void;
}

/**
 * Follows the feed of one space: pulls, comparisons and rewinds take turns and share its position, so they are not cut apart.
 */
export class SpaceFollower {
  readonly #replica: Replica;
  readonly #parts: SpaceFollowerParts;
  readonly #id: string;
  readonly #applier: FeedApplier;
  /** The revision up to which the feed was read. */
  #position: number;
  /** Counts the wishes to compare the whole space. */
  #wishes = 0;
  #again = false;
  #isComparing = false;
  #running: Promise<void> | undefined;
  #held: HeldFiles | undefined;
  readonly #guard: RemovalGuard;
  /** A removal was part of a result, and it has not been checked for being one of many. */
  #unjudged = false;
  #confirmed = false;

  constructor(replica: Replica, space: SpaceState, parts: SpaceFollowerParts) {
    this.#replica = replica;
    this.#parts = parts;
    this.#id = space.id;
    this.#applier = new FeedApplier(replica, () => this.#doubt());
    this.#position = space.cursor;
    this.#guard = new RemovalGuard(replica.catalog, () => replica.now(), space);
  }

  /** A mass removal that waits for confirmation. */
  get held(): HeldFiles | undefined {
    return this.#held;
  }

  get position(): number {
    return this.#position;
  }

  /** Compares the whole space with the next pull, also that of a later process. */
  resync(): void {
    this.#wishes++;
    this.#note({ resync: true });
  }

  /** What a snapshot brings is complete. */
  #doubt(): void {
    if (this.#isComparing) return;
    this.#again = true;
    this.resync();
  }

  /** Whether a pull has to compare the whole space. */
  get isUnsure(): boolean {
    const { catalog, journal } = this.#replica;
    return catalog.space(this.#id)?.resync === true || journal.replacements.owed(this.#id).length > 0;
  }

  /** Applies the mass removal that is held. */
  confirm(): void {
    this.#confirmed = true;
  }

  /** Shows a record that was part of a result. */
  offer(record: NodeRecord): void {
    if (record.removed) this.#unjudged = true;
    this.#take(record);
    this.#save();
  }

  /** A node that the cloud, at this revision, does not have; the next pull removes it, unless that is a mass removal. */
  offerAbsence(node: Entry, rev: number): void {
    this.#unjudged = true;
    this.#applier.takeAbsence(node, rev);
    this.#save();
  }

  /** Whether a record or the removal of a node waits to be shown. */
  isWaiting(node: NodeId): boolean {
    return this.#applier.waitsFor(node);
  }

  /** Remembers a revision that the cloud has returned. */
  mark(mark: Mark): void {
    if (mark.rev > this.#position) this.#note({ marks: withMark(this.#marks, mark) });
  }

  /** Remembers, even for a later process, that a record is to be shown: `offer` follows. */
  expect(record: NodeRecord): void {
    this.#applier.hold(record);
    this.#save();
  }

  /** Shows the records that nothing blocks any more. */
  revisit(): void {
    if (!this.#applier.isWaiting || this.#running !== undefined) return;
    this.#applier.revisit();
    if (this.#held === undefined && !this.#unjudged) this.#applier.remove();
    this.#save();
  }

  /** Shows everything up to now. All calls during a pull share one further pull. @throws FsError as `Remote` does */
  async pull(context: Context): Promise<void> {
    this.#again = true;
    this.#running ??= this.#pullAll(context);
    await this.#running;
  }

  async #pullAll(context: Context): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.#pullOnce(context);
      }
    } finally {
      // In the same turn as the last check of `again`: a later call must begin a new pull.
      this.#running = undefined;
    }
  }

  async #pullOnce(context: Context): Promise<void> {
    try {
      if (this.#position < 0 || this.isUnsure) await this.#snapshot(context);
      while (await this.#page(context)) this.#save();
    } catch (error) {
      if (!isFsError(error, 'ESTALE')) throw error;
      await this.#snapshot(context);
    }
    await this.#finish();
  }

  /** Reads one response of the feed; returns true if another one should be requested. */
  async #page({ signal }: Context): Promise<boolean> {
    const feed = this.#parts.remote.feed(this.#id, this.#position, { signal }, this.#marks);
    const cursor = await this.#read(feed, (item) => {
      if ('rev' in item) this.#position = Math.max(this.#position, item.rev);
    });
    if (cursor === undefined || cursor === 'rewound') return false;
    this.#passed(cursor);
    return cursor.more;
  }

  async #snapshot({ signal }: Context): Promise<void> {
    const { catalog, journal } = this.#replica;
    const space = catalog.space(this.#id);
    if (space === undefined) return;
    const wishes = this.#wishes;
    const { replacements } = journal;
    const owed = replacements.owed(this.#id);
    this.#isComparing = true;
    try {
      if (!(await this.#compare(space, signal))) return;
    } finally {
      this.#isComparing = false;
    }
    const settled = owed.filter((node) => !replacements.has(node));
    this.#replica.submit(settled.map((node) => replacements.settle(node)));
    if (wishes === this.#wishes) this.#note({ resync: undefined });
  }

  /** False if the snapshot ended before its time. */
  async #compare(space: SpaceState, signal: AbortSignal): Promise<boolean> {
    await this.#cleared();
    const first = space.cursor < 0 && (await this.#replica.catalog.isEmpty(space.root));
    const seen = new IdSet();
    const records = this.#parts.remote.snapshot(this.#id, { signal }, this.#marks);
    let nameless = false;
    const cursor = await this.#read(records, (item) => {
      const id = 'id' in item ? item.id : item.node;
      if (id === undefined) nameless = true;
      else if (!first) seen.add(id);
    });
    if (cursor === 'rewound') return await this.#rewind(space, { signal });
    if (cursor === undefined) return false;
    // An unreadable record may be one of something that is shown here.
    if (!first && !nameless) await markAbsent(this.#replica, space, seen, cursor.cursor, this.#applier);
    this.#passed(cursor);
    return true;
  }

  /** The cloud has gone back in time. The marks that prove it are kept until everything has been compared. */
  async #rewind(space: SpaceState, context: Context): Promise<boolean> {
    const { log, remote, store, staging } = this.#parts;
    log.warn({ space: space.name }, 'the cloud has gone back in time: everything is compared with it');
    const stale = this.#marks;
    this.#applier.reset();
    this.#replica.recentDeletions.clear();
    const report = (entry: Entry, reason: string): void => this.#report(entry.id, entry, reason);
    const rewind = new Rewind({ replica: this.#replica, remote, store, staging, space, context, report });
    try {
      let first: Cursor | undefined;
      for await (const item of remote.snapshot(this.#id, context, stale)) {
        if ('id' in item) rewind.note(item);
        else if ('cursor' in item) first = item;
      }
      if (first === undefined) return false;
      this.#position = first.cursor;
      for (const removed of await rewind.giveBack(first.cursor)) this.#applier.takeAbsence(removed, removed.rev);
      const second = remote.snapshot(this.#id, context);
      if (
        (await this.#read(
          second,
          () => undefined,
          (record) => rewind.meet(record),
        )) === undefined
      )
        return false;
      const since = this.#marks.filter((mark) => mark.rev > this.#position && !stale.includes(mark));
      this.#note({ marks: [...marksAt(first.cursor, first.stamp), ...since], treeRemoved: undefined });
      this.#again = true;
      return true;
    } finally {
      rewind.close();
    }
  }

  get #marks(): readonly Mark[] {
    return this.#replica.catalog.space(this.#id)?.marks ?? [];
  }

  /** The cloud, which knows all marks, has sent everything up to a cursor. */
  #passed({ cursor, stamp }: Cursor): void {
    this.#position = cursor;
    this.#note({ marks: [...marksAt(cursor, stamp), ...this.#marks.filter(({ rev }) => rev > cursor)] });
  }

  /** Removals in progress must be finished before a record could bring their nodes back. */
  async #cleared(): Promise<void> {
    for (let tries = 0; tries < 200 && !(await this.#replica.catalog.isEmpty(BIN)); tries++) await timer(25);
    await this.#replica.idle();
  }

  /** Shows records as they arrive, many in a turn. */
  async #read(
    records: AsyncIterable<NodeRecord | BadRecord | Cursor | Rewound>,
    each: (item: NodeRecord | BadRecord) => void,
    before?: (record: NodeRecord) => Promise<void>,
  ): Promise<Cursor | 'rewound' | undefined> {
    let chunk: (NodeRecord | BadRecord)[] = [];
    const flush = async (): Promise<void> => {
      for (const item of chunk) {
        if (before !== undefined && 'id' in item) await before(item);
        if ('id' in item) this.#take(item);
        else
          this.#report(item.node ?? item.fault, item.name ?? '?', `the cloud's record of it is invalid: ${item.fault}`);
        each(item);
      }
      chunk = [];
    };
    for await (const item of records) {
      const record = 'id' in item ? inward(this.#replica.catalog, item) : item;
      if ('rewound' in record) return 'rewound';
      if ('cursor' in record) {
        await flush();
        return record;
      }
      if (chunk.push(record) < CHUNK) continue;
      await flush();
      await this.#replica.written();
    }
    return undefined;
  }

  #take(record: NodeRecord): void {
    const { catalog } = this.#replica;
    const space = catalog.space(this.#id);
    if (record.removed && this.#hasLeft(record)) return;
    const fault = space === undefined ? undefined : misplacement(catalog, space, record);
    if (fault !== undefined) return this.#report(record.id, record.name, fault);
    this.#replica.submit(this.#parts.issues.remove(this.#id, record.id));
    this.#applier.take(record);
  }

  /** A node that is in another space now, whose feed shows it, is no node that was removed. */
  #hasLeft({ id, movedTo = '' }: NodeRecord): boolean {
    const { catalog } = this.#replica;
    const known = catalog.get(id);
    if (known?.id === id && agreedSpace(known) !== this.#id) return true;
    if (known?.mount !== undefined && catalog.space(known.mount)?.cloudRoot !== undefined) {
      // What is in it goes by other rules than what was removed: the list of spaces tells.
      this.#parts.relist();
      return true;
    }
    if (catalog.space(movedTo) === undefined) return false;
    this.#parts.arrives(id, this.#id, movedTo);
    return true;
  }

  #report(node: NodeId, what: string | Entry, reason: string): void {
    const { catalog } = this.#replica;
    const { issues, log } = this.#parts;
    const root = catalog.get(catalog.space(this.#id)?.root ?? '');
    const named = typeof what === 'string' && root !== undefined ? `${catalog.path(root)}/…/${what}` : what;
    const path = typeof named === 'string' ? named : catalog.path(named);
    this.#replica.submit([issues.add({ space: this.#id, node, path, reason, at: this.#replica.now() })]);
    log.warn({ path, node, reason }, 'something of the cloud cannot be shown');
  }

  /** What the feed, read to its end, has not found a place for. */
  #reportUnshown(): void {
    const { catalog, nameless } = this.#replica;
    for (const { id, name } of this.#applier.dropCircles()) this.#report(id, name, 'it is in a folder below itself');
    for (const { id, name } of this.#applier.dropForeign()) this.#report(id, name, FOREIGN_PARENT);
    for (const [id, node] of nameless) {
      const { space, name } = node;
      if (space !== this.#id) continue;
      // The result of a change has given the name to another one, before the feed has come to where this one lost it.
      const holder = catalog.child(this.#replica.resolve(node.parent), name);
      if (holder !== undefined && holder.rev > this.#position) continue;
      nameless.delete(id);
      // What was replaced has lost its name to what replaced it.
      if (this.#applier.isGoing(id)) continue;
      this.#report(id, name, NAME_TAKEN);
    }
  }

  async #finish(): Promise<void> {
    this.#applier.revisit();
    this.#reportUnshown();
    this.#unjudged = false;
    this.#held = await this.#judge();
    if (this.#held === undefined) {
      this.#confirmed = false;
      this.#applier.remove();
      this.#applier.revisit();
    }
    this.#note(this.#guard.state);
    this.#save();
    await this.#replica.written();
  }

  async #judge(): Promise<HeldFiles | undefined> {
    const space = this.#replica.catalog.space(this.#id);
    if (this.#confirmed) this.#guard.clear();
    if (space === undefined || this.#confirmed) return undefined;
    // The agent of a backup judges what it removes over time, and a person has confirmed it there.
    const slow = space.kind === 'sync' || space.kind === 'shared';
    const held = await this.#guard.judge(space.root, this.#applier.foreignRemovals, slow);
    if (held !== undefined && this.#held === undefined) {
      this.#parts.log.warn(
        { space: space.name, ...held },
        'many files were removed elsewhere; waiting for `fjord confirm`',
      );
    }
    return held;
  }

  #save(): void {
    if (this.#position >= 0) this.#note({ cursor: Math.min(this.#position, this.#applier.floor - 1) });
  }

  #note(change: {
    readonly cursor?: number;
    readonly resync?: true | undefined;
    readonly marks?: readonly Mark[];
    readonly treeRemoved?: undefined;
    readonly losses?: readonly SpaceLoss[] | undefined;
    readonly heldSince?: number | undefined;
  }): void {
    const { catalog } = this.#replica;
    const space = catalog.space(this.#id);
    if (space === undefined) return;
    const { resync, losses, heldSince, treeRemoved = 0, ...noted } = { ...space, ...change };
    const after: SpaceState = {
      ...noted,
      ...(resync === undefined ? {} : { resync }),
      ...(losses === undefined ? {} : { losses }),
      ...(heldSince === undefined ? {} : { heldSince }),
      ...(treeRemoved > noted.cursor ? { treeRemoved } : {}),
    };
    if (!isDeepStrictEqual(after, space)) this.#replica.submit([catalog.putSpace(after)]);
  }
}
