import { setMaxListeners } from 'node:events';
import type { PendingIntent } from '../../../cache/tree/journal.ts';
import type { IntentResult, Mark } from '../../../cloud/http/wire.ts';
import { asFsError, isFsError } from '../../../vfs/fs-error.ts';
import { Patience } from '../../../transfer/backoff.ts';
import { Burst } from '../../../transfer/batch-delay.ts';
import { Preparation } from './preparation.ts';
import type { Replica } from '../replica.ts';
import { Behind, schedule, type Schedule, type ScheduleFacts } from './schedule.ts';
import type { Sent, Sources } from './execution.ts';
import { Settlement, type RefusedResult } from './settlement.ts';
import { BIG_LANES, uploadFacts } from './upload-facts.ts';
import { Wake } from '../../../transfer/signal.ts';

/** Tries of an intent that makes no sense to the cloud, or the answer to it to us, before it is parked. */
const ALONE = 6;
/** Before something is sent again that the cloud has just refused, ms. */
const AGAIN = 250;

export interface UploaderStatus {
  /** Intents being sent. */
  readonly inFlight: number;
  /** Since when the cloud cannot be reached, ms. */
  readonly offlineSince: number | undefined;
  readonly error: unknown;
}

/**
 * Sends what waits in the journal. Many small changes go together: while one batch is being committed the next is hashed
 * and uploaded. Big files go beside them. One that cannot succeed is parked; an unreachable cloud is waited for.
 */
export class Uploader {
  readonly #replica: Replica;
  readonly #settlement: Settlement;
  readonly #facts: ScheduleFacts;
  readonly #patience: Patience;
  readonly #wake = new Wake();
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  /** When to send again what was refused, by seq. */
  readonly #again = new Map<number, number>();
  /** Sent alone, because something in their batch makes calls fail; how often they did alone. */
  readonly #solo = new Map<number, number>();
  readonly #sources: Sources;
  readonly #hurried = new Set<(intent: PendingIntent) => boolean>();
  #preparing = 0;
  #big = 0;
  #inFlight = 0;
  #commits: Promise<void> = Promise.resolve();
  #waiting = 0;
  readonly #burst = new Burst();
  #running: Promise<void> | undefined;

  constructor(replica: Replica, sources: Sources) {
    this.#replica = replica;
    this.#sources = sources;
    // Every call that is under way listens to it.
    setMaxListeners(0, this.#stop.signal);
    this.#settlement = new Settlement(replica, sources);
    this.#patience = new Patience(replica.parts);
    this.#facts = uploadFacts(replica, {
      isHurried: (intent) => this.#isHurried(intent),
      heldUntil: (seq) => this.#again.get(seq) ?? 0,
    });
  }

  start(): void {
    const { journal, activity } = this.#replica.parts;
    const wake = (): void => this.#wake.wake();
    const stops = [journal.watch(wake), activity.watch(wake)];
    this.#running ??= this.#run().finally(() => {
      for (const stop of stops) stop();
    });
  }

  /** Tries at once what waits for a cloud that could not be reached. */
  reachable(): void {
    this.#patience.reset();
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

  /** Whether something is being sent, or could be if the cloud were there and nobody worked on it. */
  get isStuck(): boolean {
    if (this.#inFlight > 0) return false;
    const { batch, big } = schedule(this.#replica.parts.journal.all(), { ...this.#facts, now: 0, readyAt: () => 0 });
    return batch.length + big.length === 0;
  }

  get status(): UploaderStatus {
    return { inFlight: this.#inFlight, offlineSince: this.#patience.since, error: this.#patience.error };
  }

  /** What is being sent is cut off; the journal keeps it. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    while (this.#inFlight > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    await this.#commits;
    await this.#replica.idle();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const pause = this.#patience.until - this.#replica.parts.now();
      const began = performance.now();
      const wait = pause > 0 ? pause : this.#send();
      const took = performance.now() - began;
      await this.#wake.wait(wait, signal);
      if (took > 2) await this.#wake.rest(took, signal);
      // Everything submitted in this turn is picked together.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Starts what can be sent; answers in how many ms more may be ready. */
  #send(): number | undefined {
    const { journal, now } = this.#replica.parts;
    if (journal.size === 0 || this.#preparing > 0 || this.#waiting > 0) return undefined;
    const wait = this.#burst.wait(journal.last, performance.now());
    if (wait > 0 && this.#hurried.size === 0) return wait;
    const { batch, big, nextAt } = this.#pick();
    for (const intent of big.slice(0, BIG_LANES - this.#big)) this.#launch([intent], true);
    if (batch.length > 0) {
      this.#launch(batch, false);
      this.#burst.sent(batch.length, performance.now());
    }
    return nextAt === undefined ? undefined : nextAt - now();
  }

  #pick(): Schedule {
    const picked = schedule(this.#replica.parts.journal.all(), { ...this.#facts, now: this.#facts.now });
    const [first] = picked.batch;
    if (first !== undefined && this.#solo.has(first.seq)) return { ...picked, batch: [first] };
    const end = picked.batch.findIndex(({ seq }) => this.#solo.has(seq));
    return end < 0 ? picked : { ...picked, batch: picked.batch.slice(0, end) };
  }

  #launch(intents: readonly PendingIntent[], big: boolean): void {
    for (const { seq } of intents) this.#again.delete(seq);
    const preparation = new Preparation(this.#replica, intents);
    this.#inFlight += intents.length;
    if (big) this.#big++;
    else this.#preparing++;
    void this.#carry(preparation, big).finally(() => {
      this.#inFlight -= intents.length;
      if (big) this.#big--;
      this.#wake.wake();
      for (const listener of this.#listeners) listener();
    });
  }

  async #carry(preparation: Preparation, big: boolean): Promise<void> {
    const { signal } = this.#stop;
    try {
      try {
        await preparation.upload({ signal }, () => undefined);
      } finally {
        if (!big) this.#preparing--;
      }
      await (big ? this.#commit(preparation) : this.#inTurn(() => this.#commit(preparation)));
      for (const { intent, error } of preparation.failed) this.#park(intent, error);
      this.#patience.worked();
    } catch (error) {
      this.#failed(preparation, error);
    }
  }

  /** One commit of the batches after the other; the next is being prepared meanwhile. */
  async #inTurn(commit: () => Promise<void>): Promise<void> {
    this.#waiting++;
    const before = this.#commits;
    const run = before.then(() => {
      this.#waiting--;
      this.#wake.wake();
      return commit();
    });
    this.#commits = run.catch(() => undefined);
    await run;
  }

  async #commit(preparation: Preparation): Promise<void> {
    await preparation.handOver();
    const intents = preparation.wire();
    if (intents.length === 0) return;
    const results = await this.#replica.parts.remote.commit(intents, { signal: this.#stop.signal });
    this.#settle(preparation, results);
    await this.#replica.written();
  }

  #settle({ sent }: Preparation, results: readonly IntentResult[]): void {
    for (const [space, mark] of marksOf(results)) this.#sources.mark(space, mark);
    const refusals: [Sent, RefusedResult][] = [];
    for (const [i, one] of sent.entries()) {
      const result = results[i];
      if (result?.status === 'done') this.#settlement.executed(one, result.node, result.replaced);
      else if (result !== undefined) refusals.push([one, result]);
    }
    // A refusal has changed nothing: all of them are free to be changed before the first is looked at.
    for (const [{ intent }] of refusals) this.#settlement.unfix(intent.seq);
    const refused = new Behind(this.#facts);
    for (const [one, result] of refusals) {
      const known = this.#replica.parts.journal.get(one.intent.seq);
      if (known === undefined) continue;
      const builds = refused.blocks(known);
      refused.add(known);
      // Refused perhaps only because what it builds on was.
      if (builds) this.#later(known.seq, 0);
      else if (this.#settlement.refused(one, result) === 'again') this.#later(known.seq, AGAIN);
    }
    for (const { intent } of sent) this.#solo.delete(intent.seq);
  }

  #later(seq: number, delay: number): void {
    this.#again.set(seq, this.#facts.now + delay);
  }

  /** Nothing is lost: the intents stay, and are sent again as they are. */
  #failed(preparation: Preparation, error: unknown): void {
    const { journal, log } = this.#replica.parts;
    const seqs = preparation.seqs.filter((seq) => journal.get(seq) !== undefined);
    for (const seq of seqs) journal.release(seq);
    preparation.abandon();
    if (this.#stop.signal.aborted) return;
    if (!isFsError(error)) log.warn({ err: error }, 'sending changes failed');
    if (!isTheirs(error)) return this.#patience.failed(error);
    const [only] = seqs;
    if (seqs.length === 1 && only !== undefined) return this.#failedAlone(only, error);
    for (const seq of seqs) this.#solo.set(seq, this.#solo.get(seq) ?? 0);
  }

  /** An answer that makes no sense may be the fault of something on the way, and a mistake of a moment: both pass. */
  #failedAlone(seq: number, error: unknown): void {
    const failures = (this.#solo.get(seq) ?? 0) + 1;
    const intent = this.#replica.parts.journal.get(seq);
    const passes = !isFsError(error) || error.code === 'EIO';
    if (intent !== undefined && (failures >= ALONE || !passes)) return this.#park(intent, error);
    this.#solo.set(seq, failures);
    this.#patience.failed(error);
  }

  #park(intent: PendingIntent, thrown: unknown): void {
    const error = asFsError(thrown, 'upload', intent.name);
    this.#solo.delete(intent.seq);
    this.#settlement.park(intent, error.code, error.reason ?? error.message);
  }

  #isHurried(intent: PendingIntent): boolean {
    for (const matches of this.#hurried) if (matches(intent)) return true;
    return false;
  }
}

/**
 * True for a failure that something in what was sent may be the cause of, and not the way there or the cloud's state. A
 * mistake of this program about one change is of that kind, too: it must not hold up all others.
 */
function isTheirs(error: unknown): boolean {
  if (!isFsError(error)) return true;
  return !['EAGAIN', 'ETIMEDOUT', 'EINTR', 'EACCES'].includes(error.code);
}

/** The last revision of each space that was given out. */
function marksOf(results: readonly IntentResult[]): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  for (const result of results) {
    if (result.status !== 'done' || result.stamp === undefined) continue;
    marks.set(result.node.space, { rev: result.node.rev, stamp: result.stamp });
  }
  return marks;
}
