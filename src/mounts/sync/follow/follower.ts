import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import type { Mark, NodeRecord, SpaceRecord } from '../../../cloud/records.ts';
import { asFsError, isFsError, type FsError } from '../../../vfs/fs-error.ts';
import { attachSpaces } from '../../drive/mount-table.ts';
import { isShown } from '../../policy/layout.ts';
import { agreedSpace } from '../../../cache/tree/entry.ts';
import type { SpaceState } from '../../../cache/tree/catalog.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { adoptShared, takeBack } from './shared-folders.ts';
import { sweepLater } from './sweep.ts';
import { Backoff } from '../../../transfer/backoff.ts';
import type { HeldRemoval } from './removal-guard.ts';
import type { Replica } from '../replica.ts';
import { SpaceFollower, type SpaceFollowerParts } from './space-follower.ts';
import type { Outage } from '../outage.ts';
import { watchSuspend } from './suspend-watch.ts';
import { Signal } from '../../../transfer/signal.ts';

/** How often the feeds are polled while the push connection is down, ms. */
const POLL = { shortest: 5000, longest: 30_000 };
/** Records that wait are looked at again this soon after the journal has changed, ms. */
const REVISIT = 10;
/** Pause between two pulls of a space that this computer itself fills, ms, and as a multiple of the last pull. */
const UNHURRIED = { shortest: 10_000, pulls: 9 };

export interface FollowerParts extends Omit<SpaceFollowerParts, 'arrives' | 'relist'> {
  /** Keeps what was not sent of a shared space that is gone, and removes the rest of it. */
  readonly rescue: (replica: Replica, space: SpaceState) => Promise<void>;
  readonly replica: Replica;
  /** ms since 1970 */
  readonly now: () => number;
  /** 0 to 1 */
  readonly random: () => number;
}

export interface FollowerOptions {
  /** Learns whether the cloud can be reached. */
  readonly outage?: Pick<Outage, 'worked' | 'failed'>;
  /** Called when the cloud can be reached again. */
  readonly reachable: () => void;
  /** Called when everything that the cloud has is shown. */
  readonly current?: () => void;
  readonly poll?: { readonly shortest: number; readonly longest: number };
}

export interface FollowerStatus {
  readonly push: 'up' | 'down';
  /** When all spaces were last known to be up to date, ms. */
  readonly current: number | undefined;
  /** Since when the cloud could not be reached, ms. */
  readonly since: number | undefined;
  readonly held: readonly HeldRemoval[];
  readonly error: FsError | undefined;
}

/** When a space is pulled for which `unhurried` was called. */
interface Timing {
  /** ms */
  pause: number;
  /** The next pull, once it is known that there is something. */
  next?: NodeJS.Timeout | undefined;
}

/**
 * Shows here what changes in the cloud: one push connection reports which space has changed, its feed contains the
 * changes. While the push connection is down the feeds are polled. Starts without the network.
 */
export class Follower {
  readonly #parts: FollowerParts;
  readonly #replica: Replica;
  readonly #options: FollowerOptions;
  readonly #backoff: Backoff;
  readonly #spaces = new Map<string, SpaceFollower>();
  readonly #ignored = new Set<string>();
  /** One listing at a time: a space that is gone must not be rescued twice. */
  readonly #listings = new PQueue({ concurrency: 1 });
  readonly #stop = new AbortController();
  readonly #wake = new Signal();
  #connection = new AbortController();
  #push: 'up' | 'down' = 'down';
  #current: number | undefined;
  #error: FsError | undefined;
  #revisit: NodeJS.Timeout | undefined;
  #polls = 0;
  #pulls = new Set<Promise<void>>();
  readonly #unhurried = new Map<string, Timing>();
  #running: Promise<void> | undefined;

  constructor(parts: FollowerParts, options: FollowerOptions) {
    this.#parts = parts;
    this.#replica = parts.replica;
    this.#options = options;
    // Every call that is under way listens to it.
    setMaxListeners(0, this.#stop.signal);
    this.#backoff = new Backoff(parts);
  }

  start(): void {
    const { replica, now } = this.#parts;
    const stops = [replica.journal.watch(() => this.#revisitSoon()), watchSuspend(now, () => this.wakeUp())];
    this.#running ??= this.#run().finally(() => {
      for (const stop of stops) stop();
      clearTimeout(this.#revisit);
    });
  }

  get status(): FollowerStatus {
    const held = [...this.#spaces].flatMap(([space, { held }]) => (held === undefined ? [] : [{ space, ...held }]));
    return { push: this.#push, current: this.#current, since: this.#backoff.since, held, error: this.#error };
  }

  /** Shows a record that was part of a result, now or when nothing blocks it any more. */
  offer(record: NodeRecord): void {
    this.#spaceOf(record.space)?.offer(record);
    if (record.removed) this.#pullSoon(record.space);
  }

  /** Remembers, even for a later process, that a record is to be shown: `offer` follows. */
  expect(record: NodeRecord): void {
    this.#spaceOf(record.space)?.expect(record);
  }

  /** Remembers a revision that the cloud has returned. */
  mark(space: string, mark: Mark): void {
    this.#spaces.get(space)?.mark(mark);
  }

  /** Compares a whole space again. */
  resync(space: string): void {
    this.#spaceOf(space)?.resync();
    this.#pullSoon(space);
  }

  /** Asks the cloud again which spaces there are. */
  relist(): void {
    this.#track(this.pull());
  }

  /**
   * Spends a tenth of the time at most on pulls of a space, and pauses for `pause` ms at least, up to the call of the
   * returned function, which pulls what is left: an agent of this computer fills the space and has no use for its own changes.
   */
  unhurried(space: string, pause = UNHURRIED.shortest): () => void {
    const timing: Timing = { pause };
    this.#unhurried.set(space, timing);
    return () => {
      this.#unhurried.delete(space);
      clearTimeout(timing.next);
      if (timing.next !== undefined) this.#pullSoon(space);
    };
  }

  /** Applies the mass removals that are held. */
  confirm(): void {
    for (const [id, space] of this.#spaces) {
      if (space.held === undefined) continue;
      space.confirm();
      this.#pullSoon(id);
    }
  }

  /** Shows everything that is in the cloud now. @throws FsError as `Remote` does */
  async pull(signal: AbortSignal = this.#stop.signal): Promise<void> {
    await this.#listings.add(async () => this.#open(await this.#parts.remote.spaces({ signal })));
    await Promise.all([...this.#spaces.values()].map((space) => space.pull({ signal: this.#stop.signal })));
    this.#current = this.#replica.now();
    this.#worked();
    this.#options.current?.();
  }

  /** What follows the feed of one space. */
  of(space: string): SpaceFollower | undefined {
    return this.#spaces.get(space);
  }

  /** The computer has slept, or the network has changed: reconnects at once. */
  wakeUp(): void {
    this.#backoff.reset();
    this.#parts.remote.renew();
    this.#connection.abort();
    this.#wake.wake();
    this.#options.reachable();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#connection.abort();
    for (const { next } of this.#unhurried.values()) clearTimeout(next);
    await this.#running;
    await Promise.allSettled(this.#pulls);
    await this.#replica.idle();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    // Known spaces are followed from the first moment: results may concern them.
    for (const space of await this.#replica.catalog.spaces()) this.#follow(space.id);
    while (!signal.aborted) {
      this.#connection = new AbortController();
      try {
        await this.pull();
        await this.#listen();
      } catch (error) {
        this.#failed(error);
      }
      this.#push = 'down';
      await this.#wake.wait(this.#pause(), signal);
    }
  }

  /** Follows the push connection until it breaks. */
  async #listen(): Promise<void> {
    const { remote } = this.#parts;
    const signal = AbortSignal.any([this.#stop.signal, this.#connection.signal]);
    for await (const event of remote.push({ signal })) {
      if (this.#push === 'down') {
        this.#push = 'up';
        this.#polls = 0;
        this.#worked();
        // What happened between the first look and the connection.
        this.#track(this.pull());
      }
      if (event.type === 'spaces') this.#track(this.pull());
      if (event.type === 'space') this.#moved(event.space, event.rev);
    }
  }

  #moved(id: string, rev: number): void {
    if (this.#ignored.has(id)) return;
    const space = this.#spaces.get(id);
    if (space === undefined) this.#track(this.pull());
    else if (rev > space.position) this.#pullInTime(id);
  }

  #pullInTime(id: string): void {
    const timing = this.#unhurried.get(id);
    if (timing === undefined) return this.#pullSoon(id);
    timing.next ??= setTimeout(() => {
      timing.next = undefined;
      const begin = performance.now();
      const took = (): void =>
        void (timing.pause = Math.max(timing.pause, UNHURRIED.pulls * (performance.now() - begin)));
      this.#pullSoon(id, took);
    }, timing.pause);
  }

  #pullSoon(id: string, then: () => void = () => undefined): void {
    const space = this.#spaces.get(id);
    if (space !== undefined) this.#track(space.pull({ signal: this.#stop.signal }).finally(then));
  }

  /** A failed pull is repeated when the connection comes back, or by the next poll. */
  #track(pull: Promise<void>): void {
    const run = pull
      .catch((error: unknown) => {
        this.#failed(error);
        this.#connection.abort();
      })
      .finally(() => this.#pulls.delete(run));
    this.#pulls.add(run);
  }

  async #open(all: readonly SpaceRecord[]): Promise<void> {
    const { catalog } = this.#replica;
    const records = all.filter(isShown);
    for (const record of all) if (!records.includes(record)) this.#ignore(record);
    const { ops, gone, shared, unshared, names } = await attachSpaces(catalog, records, this.#replica.now());
    this.#replica.submit(ops);
    for (const place of names) this.#replica.notify({ what: 'entry', ...place });
    for (const space of unshared) await this.#unshare(space);
    for (const space of shared) await adoptShared(this.#replica, space);
    for (const { id } of gone) sweepLater(this.#replica, id);
    const ids = new Set(records.map(({ id }) => id));
    for (const id of this.#spaces.keys()) if (!ids.has(id)) this.#spaces.delete(id);
    for (const { id } of records) this.#follow(id);
  }

  async #unshare(space: SpaceState): Promise<void> {
    this.#spaces.delete(space.id);
    this.#parts.log.info({ space: space.id }, 'a shared folder is shared no more');
    const forget = (): void => this.#replica.submit([this.#replica.catalog.removeSpace(space.id)]);
    if (space.role === 'owner') {
      forget();
      return takeBack(this.#replica, space);
    }
    await this.#parts.rescue(this.#replica, space);
    // Not before: a process that ends meanwhile finds it gone once more.
    forget();
  }

  /** The feed of the other space shows a node that has moved there; if it has passed that already, everything is compared. */
  async #arrive(node: NodeId, from: string, to: string): Promise<void> {
    const { signal } = this.#stop;
    await this.#spaces.get(to)?.pull({ signal });
    const entry = this.#replica.catalog.get(node);
    if (entry?.id !== node || agreedSpace(entry) !== from || this.#replica.journal.has(node)) return;
    this.#spaces.get(to)?.resync();
    await this.#spaces.get(to)?.pull({ signal });
  }

  /** The contents of a space that the drive does not show must not be mistaken for anything else. */
  #ignore({ id, name, kind }: SpaceRecord): void {
    if (this.#ignored.has(id)) return;
    this.#ignored.add(id);
    this.#parts.log.info({ space: id, name }, `this version cannot show ${kind} folders`);
  }

  /** A result may arrive before the first listing of the spaces. */
  #spaceOf(id: string): SpaceFollower | undefined {
    this.#follow(id);
    return this.#spaces.get(id);
  }

  #follow(id: string): void {
    const space = this.#replica.catalog.space(id);
    if (space === undefined || this.#spaces.has(id)) return;
    const arrives = (node: NodeId, from: string, to: string): void => this.#track(this.#arrive(node, from, to));
    this.#spaces.set(
      id,
      new SpaceFollower(this.#replica, space, { ...this.#parts, arrives, relist: () => this.relist() }),
    );
  }

  #worked(): void {
    this.#error = undefined;
    this.#options.outage?.worked();
    const was = this.#backoff.since;
    this.#backoff.worked();
    if (was !== undefined) this.#options.reachable();
  }

  #failed(error: unknown): void {
    if (this.#stop.signal.aborted || this.#connection.signal.aborted) return;
    this.#error = asFsError(error, 'follow');
    this.#options.outage?.failed(error);
    if (!isFsError(error)) this.#parts.log.warn({ err: error }, 'following the cloud failed');
    this.#backoff.failed(error);
  }

  /** Time until the feeds are polled again, ms. */
  #pause(): number {
    if (this.#connection.signal.aborted) return 0;
    const { shortest, longest } = this.#options.poll ?? POLL;
    const poll = Math.min(shortest * 2 ** this.#polls++, longest);
    return Math.min(poll, Math.max(0, this.#backoff.until - this.#replica.now()));
  }

  #revisitSoon(): void {
    this.#revisit ??= setTimeout(() => {
      this.#revisit = undefined;
      for (const [id, space] of this.#spaces) {
        space.revisit();
        if (space.isUnsure && this.#push === 'up') this.#pullSoon(id);
      }
    }, REVISIT);
  }
}
