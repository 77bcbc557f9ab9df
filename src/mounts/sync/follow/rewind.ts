import { setTimeout as timer } from 'node:timers/promises';
import type { SpaceState } from '../../../cache/tree/catalog.ts';
import { agreedSpace, type Entry } from '../../../cache/tree/entry.ts';
import type { ContentStore, Staging } from '../../../cache/content/content.ts';
import type { Remote } from '../../../cloud/remote.ts';
import type { NodeRecord } from '../../../cloud/records.ts';
import type { Context } from '../../../vfs/context.ts';
import { assign } from '../../../vfs/assign.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { isFsError } from '../../../vfs/fs-error.ts';
import { planAttr, planContent, planCreation, planPlainMove, type NewContent } from '../../intents/plan.ts';
import { attributesOf, baseOf } from '../conflict/merge.ts';
import { bytesOf, contentOf, recreate } from '../conflict/recreate.ts';
import type { Replica } from '../replica.ts';
import { IdSet } from './id-set.ts';

const MIB = 1 << 20;
/** Nodes that are restored before waiting for the disk. */
const STEP = 200;
/** How often a result is polled for, and the interval, ms. */
const LOOKS = { most: 100, every: 20 };

export interface RewindOptions {
  readonly replica: Replica;
  readonly remote: Remote;
  readonly store: ContentStore;
  readonly staging: Staging;
  readonly space: SpaceState;
  readonly context: Context;
  /** Reports to the user what is lost. */
  readonly report: (entry: Entry, reason: string) => void;
}

/**
 * Compares a space with a cloud that has gone back in time, restored from an older copy, and restores to it what it has
 * lost and this computer still has: under the same ids, so that several computers that do so agree. Nodes of which only
 * the names are left are reported and no longer shown. Everything that it does is an intent in the journal; it can be
 * interrupted and restarted at any point.
 * First every record of a snapshot is `note`d, then `giveBack` is called, then every record of a second snapshot is
 * to `meet` what is shown here.
 */
export class Rewind {
  readonly #options: RewindOptions;
  readonly #replica: Replica;
  readonly #there = new IdSet();
  /** Nodes that are shown here and that the cloud reports as removed. */
  readonly #removed = new Map<NodeId, NodeRecord>();
  /** Contents that must not be evicted before they are staged. */
  readonly #pinned = new Set<string>();

  constructor(options: RewindOptions) {
    this.#options = options;
    this.#replica = options.replica;
  }

  note(record: NodeRecord): void {
    const { id, version, removed } = record;
    const entry = this.#replica.catalog.get(id);
    if (!removed) this.#there.add(id);
    else if (entry?.id === id) this.#removed.set(id, record);
    if (entry?.remote !== undefined && entry.remote !== version) this.#pin(entry);
  }

  /**
   * Plans the restoration to the cloud of what it does not have any more. `cursor` is that of the snapshot. Returns the
   * records of what was removed there.
   */
  async giveBack(cursor: number): Promise<NodeRecord[]> {
    const { catalog } = this.#replica;
    const lost: NodeId[] = [];
    const gone = new Map<NodeId, NodeRecord>();
    for await (const entry of catalog.below(this.#options.space.root)) {
      if (agreedSpace(entry) !== this.#options.space.id) continue;
      if (entry.local === true || entry.rev === 0 || entry.base === null) continue;
      const removed = this.#removed.get(entry.id);
      if (this.#there.has(entry.id)) this.#lower(entry, cursor);
      else if (
        removed !== undefined &&
        (entry.kind !== 'file' || removed.hash === null || removed.hash === entry.hash)
      ) {
        this.#lower(entry, removed.rev - 1);
        gone.set(entry.id, removed);
      } else {
        this.#pin(entry);
        lost.push(entry.id);
      }
    }
    for (const [i, id] of lost.entries()) {
      await this.#answered(id);
      const entry = catalog.get(id);
      if (entry?.id === id && entry.rev > 0 && entry.base !== null) await this.#giveBackOne(entry);
      if (i % STEP === STEP - 1) await this.#replica.written();
    }
    await this.#replica.written();
    // The contents of a removed folder are removed with it.
    return [...gone.values()].filter(({ id }) => !gone.has(catalog.get(id)?.parent ?? ''));
  }

  /**
   * To be called before a record is shown: makes what is shown here comparable, or the cloud's state the base of ours.
   */
  async meet(record: NodeRecord): Promise<void> {
    const { catalog, journal } = this.#replica;
    const entry = catalog.get(record.id);
    if (entry === undefined || entry.id !== record.id || entry.base === null || entry.kind !== record.kind) return;
    if (journal.has(entry.id)) return this.#lower(entry, record.rev - 1);
    const place = entry.parent !== this.#replica.resolve(record.parent) || entry.name !== record.name;
    const content = entry.kind === 'file' && entry.hash !== record.hash;
    const attr = looks(entry) !== looks(record);
    if (!place && !content && !attr) return this.#agree(entry, record);
    if (!this.#heals) return this.#lower(entry, record.rev - 1);
    const isOlder = record.ctime <= entry.ctime || (content && !place && (await this.#isContentOlder(entry, record)));
    if (isOlder) return await this.#succeed(entry, record, { place, content, attr });
    if (content) await this.#keepBeside(entry, record);
    const now = catalog.get(record.id);
    if (now?.id === record.id && !journal.has(now.id)) this.#lower(now, record.rev - 1);
  }

  close(): void {
    for (const hash of this.#pinned) this.#options.store.unpin(hash);
    this.#pinned.clear();
  }

  get #heals(): boolean {
    return this.#replica.policyOf({ space: this.#options.space.id }).heals;
  }

  async #giveBackOne(entry: Entry): Promise<void> {
    if (!this.#heals) return this.#replica.retire(entry);
    if (entry.kind !== 'file') return this.#recreate(entry, undefined);
    const intents = this.#replica.journal.of(entry.id);
    if (intents.some(({ op }) => op === 'put')) return this.#recreate(entry, contentOf(entry, entry, intents));
    const version = entry.remote ?? entry.version;
    if (entry.size === 0) return this.#recreate(entry, { version });
    const staged = await this.#stage(entry);
    const now = this.#replica.catalog.get(entry.id);
    if (now?.id !== entry.id || now.remote !== entry.remote || now.staged !== undefined) {
      if (staged !== undefined) this.#replica.discard(entry.id, staged);
      if (now?.id === entry.id) await this.#giveBackOne(now);
    } else if (staged !== undefined) this.#recreate(now, { version, staged });
    else {
      this.#options.report(now, 'the cloud has lost it, and its content is not on this computer');
      this.#replica.retire(now);
    }
  }

  /** Plans a node again under its own id, or another one if the cloud has something else of it in the Trash. */
  #recreate(entry: Entry, content: NewContent | undefined): void {
    const { catalog, journal } = this.#replica;
    if (this.#removed.has(entry.id))
      return void recreate(this.#replica, entry, this.#removed.get(entry.id)?.rev, entry, content);
    const { remote: _remote, staged: _staged, base: _base, ...kept } = entry;
    const fresh: Entry = { ...kept, ...bytesOf(content), rev: 0, base: null };
    this.#replica.submit(journal.of(entry.id).map(({ seq }) => journal.remove(seq)));
    const plan = planCreation(fresh, content);
    const ops = this.#replica.planner.ops({ ...plan, add: plan.add.map((intent) => ({ ...intent, resent: true })) });
    this.#replica.submit([...catalog.put(fresh, entry), ...ops]);
  }

  /** The cloud has an earlier state of the node: ours follows it. */
  async #succeed(
    entry: Entry,
    record: NodeRecord,
    differs: { readonly place: boolean; readonly content: boolean; readonly attr: boolean },
  ): Promise<void> {
    const { catalog, journal } = this.#replica;
    const staged = differs.content && entry.size > 0 ? await this.#stage(entry) : undefined;
    const now = catalog.get(entry.id);
    if (now?.id !== entry.id || journal.has(now.id) || now.remote !== entry.remote) {
      if (staged !== undefined) this.#replica.discard(entry.id, staged);
      return now?.id === entry.id ? this.#lower(now, record.rev - 1) : undefined;
    }
    const isHere = !differs.content || staged !== undefined || entry.size === 0;
    if (!isHere)
      this.#options.report(now, 'the cloud went back to an older version, and the newer one is not on this computer');
    const { remote, staged: _staged, ...kept } = now;
    const shown: Partial<Entry> = isHere ? {} : { ...contentIn(record), ...attributesOf(record, now) };
    const mine =
      differs.content && isHere ? (staged === undefined ? {} : { staged }) : { remote: record.version ?? remote };
    const after = assign(assign(assign(kept, shown), mine), { rev: record.rev, base: baseOf(record) }) as Entry;
    this.#replica.put(after, now);
    const { planner } = this.#replica;
    const waiting = () => planner.waiting(after.id);
    const version = remote ?? now.version;
    const content = { version, ...(staged === undefined ? {} : { staged }) };
    if (differs.place)
      this.#replica.submit(planner.ops({ add: [planPlainMove(after, waiting(), after)], rewrite: [], drop: [] }));
    if (differs.content && isHere) this.#replica.submit(planner.ops(planContent(after, waiting(), content)));
    else if (differs.attr && isHere) this.#replica.submit(planner.ops(planAttr(after, waiting())));
    if (journal.has(after.id)) return;
    const { base: _base, ...settled } = after;
    this.#replica.put(settled, after);
  }

  /**
   * Whether the cloud's content is from before ours although the node has changed since: another computer that has the
   * node, but not its lost content, has restored its name.
   */
  async #isContentOlder(entry: Entry, { id, version }: NodeRecord): Promise<boolean> {
    const versions = await this.#options.remote.versions(id, this.#options.context);
    const current = versions.find((one) => one.id === version);
    return current !== undefined && current.created <= entry.ctime;
  }

  /** Another computer has changed the file since: the version that the cloud has lost becomes a separate file. */
  async #keepBeside(entry: Entry, record: NodeRecord): Promise<void> {
    const versions = await this.#options.remote.versions(record.id, this.#options.context);
    if (versions.some(({ id, hash }) => id === entry.remote || hash === entry.hash)) return;
    const staged = entry.size === 0 ? undefined : await this.#stage(entry);
    if (staged === undefined) {
      if (entry.size > 0)
        this.#options.report(entry, 'the cloud has lost a version of it that is not on this computer');
      return;
    }
    const name = this.#replica.conflictName(entry);
    const { remote: _remote, base: _base, ...kept } = entry;
    const [id, version] = [this.#replica.newId(), this.#replica.newId()];
    const copy: Entry = { ...kept, id, name, version, staged, rev: 0, base: null };
    this.#replica.put(copy, undefined, [this.#replica.noteConflict(id, entry.name)]);
    this.#replica.submit(this.#replica.planner.ops(planCreation(copy, { version, staged })));
  }

  #agree(entry: Entry, record: NodeRecord): void {
    const same = entry.rev === record.rev && entry.remote === (record.version ?? undefined);
    if (same) return;
    const after = { ...entry, rev: record.rev, ...(record.version === null ? {} : { remote: record.version }) };
    this.#replica.submit([this.#replica.catalog.update(after)]);
  }

  /** Revisions of the lost history must not count as later than those of this one. */
  #lower(entry: Entry, rev: number): void {
    if (entry.rev <= rev) return;
    const base = entry.base === undefined || entry.base === null ? {} : { base: { ...entry.base, rev } };
    this.#replica.submit([this.#replica.catalog.update({ ...entry, rev: Math.max(rev, 0), ...base })]);
  }

  /**
   * A copy of the cached content, as a staged file; `undefined` if it is not complete here. @throws ENOSPC, EAGAIN,
   * EINTR
   */
  async #stage({ hash, size, remote }: Entry): Promise<string | undefined> {
    const { store, staging } = this.#options;
    if (hash === undefined || !store.has(hash)) return undefined;
    const reader = store.open({ hash, size, version: remote ?? '' });
    const file = staging.create(null);
    try {
      const buffer = Buffer.allocUnsafe(Math.min(size, MIB));
      for (let position = 0; position < size;) {
        const part = buffer.subarray(0, Math.min(MIB, size - position));
        const count = await reader.read(part, position, this.#options.context);
        if (count === 0) return this.#give(file.id);
        await file.append(part.subarray(0, count), this.#options.context);
        position += count;
      }
      file.seal();
      return file.id;
    } catch (error) {
      this.#give(file.id);
      // A damaged block is requested from the cloud, which does not have it.
      if (isFsError(error, 'ENOENT') || isFsError(error, 'EIO')) return undefined;
      throw error;
    } finally {
      reader.close();
      file.close();
    }
  }

  #give(staged: string): undefined {
    this.#replica.later(() => this.#options.staging.discard(staged));
  }

  #pin({ hash }: Entry): void {
    const { store } = this.#options;
    if (hash === undefined || this.#pinned.has(hash) || store.isPinned(hash) || !store.has(hash)) return;
    this.#pinned.add(hash);
    store.pin(hash);
  }

  /** The result of a sent intent arrives soon; if it does not, the result will show that the node is gone. */
  async #answered(id: NodeId): Promise<void> {
    const { signal } = this.#options.context;
    for (let looks = 0; looks < LOOKS.most && this.#replica.isUnsure(id) && !signal.aborted; looks++) {
      await timer(LOOKS.every);
    }
  }
}

function contentIn({ size, hash, version }: NodeRecord): Partial<Entry> {
  return { size, ...(hash === null ? {} : { hash }), ...(version === null ? {} : { version }) };
}

type Look = Pick<Entry, 'mode' | 'mtime' | 'birthtime' | 'xattrs'>;

function looks({ mode, mtime, birthtime, xattrs = {} }: Look): string {
  const sorted = Object.entries(xattrs).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([mode, mtime, birthtime, sorted]);
}
