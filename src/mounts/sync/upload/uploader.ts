import { setMaxListeners } from 'node:events';
import type { PendingIntent } from '../../../cache/tree/journal.ts';
import type { IntentResult, Mark } from '../../../cloud/records.ts';
import { asFsError, FsError, isFsError } from '../../../vfs/fs-error.ts';
import { Backoff } from '../../../transfer/backoff.ts';
import { BlockSender } from '../../../transfer/block-sender.ts';
import { BatchDelay } from '../../../transfer/batch-delay.ts';
import { isCreation } from '../../intents/plan.ts';
import type { Remote } from '../../../cloud/remote.ts';
import type { Activity } from '../../drive/activity.ts';
import { resultInward } from '../shared-root.ts';
import type { SyncLog } from '../sync-log.ts';
import { type FreezableFiles, Preparation } from './preparation.ts';
import type { Replica } from '../replica.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { Behind, holders, schedule, type Schedule, type ScheduleFacts } from './schedule.ts';
import type { Sent, Sources } from './success-handler.ts';
import { ResultHandler, type RefusedResult } from './result-handler.ts';
import { type ActivityFacts, BIG_LANES, uploadFacts } from './upload-facts.ts';
import { Pipeline } from '../../../transfer/pipeline.ts';
import { Signal } from '../../../transfer/signal.ts';

/** Attempts at an intent that the cloud rejects as malformed, or whose response is malformed, before it is parked. */
const ALONE = 6;
/** Before something is sent again that the cloud has just refused, ms; twice as long after each time. */
const AGAIN = { first: 250, longest: 30_000 };
/** Refusals of an intent for a cause that should pass, before it is parked: after about three minutes. */
const REFUSALS = 12;

/** Why a queue makes no progress. */
export interface Obstacle {
  readonly intent: PendingIntent;
  /** The parked intent that has to succeed first; absent if nothing is known to be in the way, which is a bug. */
  readonly holder: PendingIntent | undefined;
}

export interface UploaderStatus {
  /** Intents being sent. */
  readonly inFlight: number;
  /** The first that waits for nothing but is not sent: a bug. */
  readonly stuck: PendingIntent | undefined;
  /** Since when the cloud has been unreachable, ms. */
  readonly offlineSince: number | undefined;
  readonly error: unknown;
}

export interface UploaderParts {
  readonly replica: Replica;
  readonly remote: Remote;
  readonly openFiles: FreezableFiles;
  readonly activity: ActivityFacts & Pick<Activity, 'watch'>;
  /** ms since 1970 */
  readonly now: () => number;
  /** 0 to 1 */
  readonly random: () => number;
  readonly log: SyncLog;
}

/**
 * Sends what waits in the journal. Many small changes go together: while one batch is being committed the next is hashed
 * and uploaded. Big files go beside them. One that cannot succeed is parked; an unreachable cloud is waited for. What is under way, due
 * and waited for is one state that every step reads, so it is not cut apart.
 */
export class Uploader {
  readonly #parts: UploaderParts;
  readonly #replica: Replica;
  readonly #resultHandler: ResultHandler;
  readonly #facts: ScheduleFacts;
  readonly #backoff: Backoff;
  readonly #wake = new Signal();
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  /** When to send again what was refused, by seq. */
  readonly #again = new Map<number, number>();
  /** How often a change of a node was refused for a cause that should pass. */
  readonly #refusals = new Map<NodeId, number>();
  /** Sent alone, because something in their batch makes calls fail; the number of failures alone. */
  readonly #solo = new Map<number, number>();
  readonly #sources: Sources;
  readonly #hurried = new Set<(intent: PendingIntent) => boolean>();
  readonly #pickFrom: typeof schedule;
  #stuck: PendingIntent | undefined;
  #preparing = 0;
  #big = 0;
  #inFlight = 0;
  readonly #launched = new Set<Promise<void>>();
  /** One batch is committed while the next is hashed and uploaded. */
  readonly #pipeline = new Pipeline(2);
  readonly #sender: BlockSender;
  readonly #batchDelay = new BatchDelay();
  #running: Promise<void> | undefined;

  constructor(parts: UploaderParts, sources: Sources, pickFrom = schedule) {
    const { replica, remote, activity, log } = parts;
    this.#parts = parts;
    this.#replica = replica;
    this.#sources = sources;
    this.#pickFrom = pickFrom;
    // Every call that is under way listens to it.
    setMaxListeners(0, this.#stop.signal);
    this.#resultHandler = new ResultHandler(replica, sources, log);
    this.#backoff = new Backoff(parts);
    this.#sender = new BlockSender(remote);
    this.#facts = uploadFacts(replica, activity, {
      isHurried: (intent) => this.#isHurried(intent),
      heldUntil: (seq) => this.#again.get(seq) ?? 0,
    });
  }

  start(): void {
    const { journal } = this.#replica;
    const wake = (): void => this.#wake.wake();
    const stops = [journal.watch(wake), this.#parts.activity.watch(wake)];
    this.#running ??= this.#run().finally(() => {
      for (const stop of stops) stop();
    });
  }

  /** Tries at once what waits for a cloud that could not be reached. */
  reachable(): void {
    this.#backoff.reset();
    this.#wake.wake();
  }

  /** What matches need not settle any more. Returns the way to stop. */
  hurry(matches: (intent: PendingIntent) => boolean): () => void {
    this.#hurried.add(matches);
    this.#wake.wake();
    return () => void this.#hurried.delete(matches);
  }

  /** Calls `listener` whenever something was settled. Returns the way to stop. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * What keeps all of these intents from being sent although the cloud is reachable and nothing is in use: the first of
   * them, and the one that it waits for, if that is another one. `undefined` if one of them is being sent or could be.
   */
  obstacle(intents: Iterable<PendingIntent>): Obstacle | undefined {
    if (this.#stuck !== undefined) return { intent: this.#stuck, holder: undefined };
    const { journal } = this.#replica;
    const held = holders(journal.all(), { ...this.#facts, now: 0, readyAt: () => 0 });
    let first: Obstacle | undefined;
    for (const intent of intents) {
      const holder = held.get(intent.seq);
      if (holder?.parked === undefined) return undefined;
      first ??= { intent, holder };
    }
    return first;
  }

  /** The number of changes that wait for a parked one. */
  get behind(): number {
    let count = 0;
    for (const [seq, holder] of holders(this.#replica.journal.all(), { ...this.#facts, now: this.#facts.now })) {
      if (holder.parked !== undefined && holder.seq !== seq) count++;
    }
    return count;
  }

  get status(): UploaderStatus {
    return {
      inFlight: this.#inFlight,
      stuck: this.#stuck,
      offlineSince: this.#backoff.since,
      error: this.#backoff.error,
    };
  }

  /** Aborts what is being sent; the journal keeps it. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.all(this.#launched);
    await this.#pipeline.idle();
    await this.#replica.idle();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const pause = this.#backoff.until - this.#replica.now();
      const began = performance.now();
      const wait = pause > 0 ? pause : this.#send();
      const took = performance.now() - began;
      await this.#wake.wait(wait, signal);
      if (took > 2) await this.#wake.rest(took, signal);
      // Everything submitted in this turn is picked together.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Starts what can be sent; returns the time until more may be ready, ms. */
  #send(): number | undefined {
    const { journal } = this.#replica;
    if (journal.size === 0 || this.#preparing > 0 || !this.#pipeline.hasRoom) return undefined;
    const wait = this.#batchDelay.wait(journal.last, performance.now());
    if (wait > 0 && this.#hurried.size === 0) return wait;
    const { batch, big, nextAt } = this.#pick();
    this.#watchProgress(batch.length + big.length > 0 || nextAt !== undefined);
    for (const intent of big.slice(0, BIG_LANES - this.#big)) this.#launch([intent], true);
    if (batch.length > 0) {
      this.#launch(batch, false);
      this.#batchDelay.sent(batch.length, performance.now());
    }
    return nextAt === undefined ? undefined : nextAt - this.#replica.now();
  }

  /** Logs once if nothing is sent although something could be. */
  #watchProgress(goesOn: boolean): void {
    const { journal, catalog } = this.#replica;
    const before = this.#stuck;
    this.#stuck = undefined;
    if (goesOn || this.#inFlight > 0) return;
    const held = holders(journal.all(), { ...this.#facts, now: this.#facts.now });
    for (const intent of held.size === journal.size ? [] : journal.all()) {
      if (held.has(intent.seq)) continue;
      this.#stuck = intent;
      if (before?.seq === intent.seq) return;
      const entry = catalog.get(intent.node);
      const path = entry === undefined ? intent.name : catalog.path(entry);
      this.#parts.log.warn(
        { op: intent.op, path, queued: journal.size },
        'the queue makes no progress, and nothing is in its way',
      );
      for (const listener of this.#listeners) listener();
      return;
    }
  }

  #pick(): Schedule {
    const picked = this.#pickFrom(this.#replica.journal.all(), { ...this.#facts, now: this.#facts.now });
    const [first] = picked.batch;
    if (first !== undefined && this.#solo.has(first.seq)) return { ...picked, batch: [first] };
    const end = picked.batch.findIndex(({ seq }) => this.#solo.has(seq));
    return end < 0 ? picked : { ...picked, batch: picked.batch.slice(0, end) };
  }

  #launch(intents: readonly PendingIntent[], big: boolean): void {
    for (const { seq } of intents) this.#again.delete(seq);
    const preparation = new Preparation(this.#replica, this.#parts.openFiles, intents);
    this.#inFlight += intents.length;
    if (big) this.#big++;
    else this.#preparing++;
    const launched = this.#carry(preparation, big).finally(() => {
      this.#launched.delete(launched);
      this.#inFlight -= intents.length;
      if (big) this.#big--;
      this.#wake.wake();
      for (const listener of this.#listeners) listener();
    });
    this.#launched.add(launched);
  }

  async #carry(preparation: Preparation, big: boolean): Promise<void> {
    const { signal } = this.#stop;
    const prepare = async (): Promise<void> => {
      try {
        await preparation.upload(this.#sender, { signal });
      } finally {
        if (!big) this.#preparing--;
      }
    };
    const commit = async (): Promise<void> => {
      // The next batch may be prepared.
      this.#wake.wake();
      await this.#commit(preparation);
    };
    try {
      await (big ? prepare().then(commit) : this.#pipeline.run(prepare, commit));
      for (const { intent, error } of preparation.failed) this.#park(intent, error);
      this.#backoff.worked();
    } catch (error) {
      this.#failed(preparation, error);
    }
  }

  async #commit(preparation: Preparation): Promise<void> {
    await preparation.handOver();
    const intents = preparation.wire();
    if (intents.length === 0) return;
    const results = await this.#parts.remote.commit(intents, { signal: this.#stop.signal });
    const { catalog } = this.#replica;
    this.#settle(
      preparation,
      results.map((result) => resultInward(catalog, result)),
    );
    await this.#replica.written();
  }

  #settle({ sent }: Preparation, results: readonly IntentResult[]): void {
    for (const [space, mark] of marksOf(results)) this.#sources.mark(space, mark);
    const refusals: [Sent, RefusedResult][] = [];
    const { journal } = this.#replica;
    // Folders whose creation may have been requested after changes inside them.
    const unmade = new Set(
      sent
        .map(({ intent }) => this.#replica.resolve(intent.parent))
        .filter((parent) => journal.of(parent).some(isCreation)),
    );
    for (const [i, one] of sent.entries()) {
      const result = results[i];
      if (result?.status === 'done') this.#refusals.delete(one.intent.node);
      if (result?.status === 'done') this.#resultHandler.executed(one, result.node, result.replaced);
      else if (result !== undefined) refusals.push([one, result]);
    }
    // A refusal has changed nothing: all of them may be changed before the first is handled.
    for (const [{ intent }] of refusals) this.#resultHandler.unfix(intent.seq);
    // Before anything is done about the first: that may give a node, and with it the others, another id.
    const building = this.#building(refusals.map(([{ intent }]) => intent));
    for (const [one, result] of refusals) {
      const known = journal.get(one.intent.seq);
      if (known === undefined) continue;
      const builds = building.has(known.seq);
      const parent = this.#replica.resolve(known.parent);
      const tooEarly = unmade.has(parent) && !journal.has(parent) && result.code === 'not_found';
      // Perhaps refused only because an intent that it depends on was, or came too late.
      if (builds || tooEarly) this.#later(known.seq, 0);
      else if (this.#resultHandler.refused(one, result) === 'again') this.#tryAgain(known, result);
    }
    for (const { intent } of sent) this.#solo.delete(intent.seq);
  }

  /** Those of refused intents that build on others of them. */
  #building(intents: readonly PendingIntent[]): Set<number> {
    const refused = new Behind(this.#facts);
    const building = new Set<number>();
    for (const intent of intents) {
      if (refused.blocks(intent) !== undefined) building.add(intent.seq);
      refused.add(intent);
    }
    return building;
  }

  #tryAgain({ seq, node }: PendingIntent, { message: reason }: RefusedResult): void {
    const { journal } = this.#replica;
    const refusals = (this.#refusals.get(node) ?? 0) + 1;
    this.#refusals.set(node, refusals);
    const intent = journal.get(seq) ?? journal.of(node)[0];
    if (intent === undefined) return;
    if (refusals >= REFUSALS) return this.#park(intent, new FsError('EIO', 'upload', { subject: intent.name, reason }));
    this.#later(intent.seq, Math.min(AGAIN.longest, AGAIN.first * 2 ** (refusals - 1)));
  }

  #later(seq: number, delay: number): void {
    this.#again.set(seq, this.#facts.now + delay);
  }

  /** Nothing is lost: the intents stay, and are sent again unchanged. */
  #failed(preparation: Preparation, error: unknown): void {
    const { journal } = this.#replica;
    const seqs = preparation.seqs.filter((seq) => journal.get(seq) !== undefined);
    for (const seq of seqs) journal.release(seq);
    preparation.abandon();
    if (this.#stop.signal.aborted) return;
    if (!isFsError(error)) this.#parts.log.warn({ err: error }, 'sending changes failed');
    if (!isTheirs(error)) return this.#backoff.failed(error);
    const [only] = seqs;
    if (seqs.length === 1 && only !== undefined) return this.#failedAlone(only, error);
    for (const seq of seqs) this.#solo.set(seq, this.#solo.get(seq) ?? 0);
  }

  /** A malformed response may be caused by an intermediary, or be a temporary error: both pass. */
  #failedAlone(seq: number, error: unknown): void {
    const failures = (this.#solo.get(seq) ?? 0) + 1;
    const intent = this.#replica.journal.get(seq);
    const passes = !isFsError(error) || error.code === 'EIO';
    if (intent !== undefined && (failures >= ALONE || !passes)) return this.#park(intent, error);
    this.#solo.set(seq, failures);
    this.#backoff.failed(error);
  }

  #park(intent: PendingIntent, thrown: unknown): void {
    const error = asFsError(thrown, 'upload', intent.name);
    this.#solo.delete(intent.seq);
    this.#refusals.delete(intent.node);
    this.#resultHandler.park(intent, error.code, error.reason ?? error.message);
  }

  #isHurried(intent: PendingIntent): boolean {
    for (const matches of this.#hurried) if (matches(intent)) return true;
    return false;
  }
}

/**
 * True for a failure that may be caused by the content of the request, and not by the connection or the cloud's state.
 * A bug in this program that concerns one change counts, too: it must not block all others.
 */
function isTheirs(error: unknown): boolean {
  if (!isFsError(error)) return true;
  return !['EAGAIN', 'ETIMEDOUT', 'EINTR', 'EACCES'].includes(error.code);
}

/** The last revision of each space in the results. */
function marksOf(results: readonly IntentResult[]): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  for (const result of results) {
    if (result.status !== 'done' || result.stamp === undefined) continue;
    marks.set(result.node.space, { rev: result.node.rev, stamp: result.stamp });
  }
  return marks;
}
