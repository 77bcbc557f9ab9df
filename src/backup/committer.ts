import { withMark } from '../cloud/marks.ts';
import type { Remote } from '../cloud/remote.ts';
import { fsCodeOf } from '../cloud/errors.ts';
import { MAX_INTENTS } from '../cloud/limits.ts';
import type { Intent, IntentResult, NodeRecord } from '../cloud/records.ts';
import type { WireCode } from '../cloud/errors.ts';
import type { Context } from '../vfs/context.ts';
import { asFsError, FsError } from '../vfs/fs-error.ts';
import type { BackupIndex } from './backup-index.ts';
import type { StoreOp } from './store.ts';

/** One change of the mirror. */
export interface Change {
  readonly intent: Intent;
  /** For the report. */
  readonly path: string;
  /** What the index learns when the cloud has done it. */
  readonly effect: (node: NodeRecord) => StoreOp[] | Promise<StoreOp[]>;
  /** Called when the blocks are not there any more; without it that is a problem of the path. */
  readonly again?: () => void;
}

export interface CommitterOptions {
  readonly index: BackupIndex;
  readonly remote: Remote;
  readonly context: Context;
  /** A change that cannot be made, ever. */
  readonly problem: (path: string, reason: string) => void;
}

/** Bytes of block lists in one request; a list of a very large file goes alone. */
const LIST_BYTES = 1024 * 1024;
/** Changes that may wait; more make `room` wait. */
const WAITING = 4 * MAX_INTENTS;

/** Refusals that say: the mirror is not what the index says. */
const SURPRISES: ReadonlySet<WireCode> = new Set(['exists', 'conflict', 'gone', 'not_found', 'not_a_folder']);

/**
 * Sends changes in the order in which they were given, in batches: while one is under way the next one gathers. The
 * index follows each batch in one write.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #queue: Change[] = [];
  readonly #notes: (() => StoreOp[])[] = [];
  #running: Promise<void> = Promise.resolve();
  #active = false;
  #failure: FsError | undefined;
  #surprised = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Whether a refusal has shown that the index has to be made again. */
  get surprised(): boolean {
    return this.#surprised;
  }

  add(change: Change): void {
    this.#queue.push(change);
    this.#start();
  }

  /** Something that only the index has to learn, about a node of which no change is waiting. */
  note(ops: () => StoreOp[]): void {
    this.#notes.push(ops);
    if (this.#notes.length >= WAITING) this.#start();
  }

  /** Answered when not too much waits. @throws what stopped the committing */
  async room(): Promise<void> {
    while (this.#queue.length > WAITING && this.#failure === undefined) await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Answered when everything given so far is done. @throws what stopped the committing */
  async flush(): Promise<void> {
    this.#start();
    while (this.#active) await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #start(): void {
    if (this.#active || this.#failure !== undefined) return;
    this.#active = true;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      // What is given in the same turn goes in the same batch.
      await Promise.resolve();
      while (this.#queue.length > 0 || this.#notes.length > 0) await this.#step();
    } catch (error) {
      this.#failure = asFsError(error, 'backup');
    } finally {
      this.#active = false;
    }
  }

  async #step(): Promise<void> {
    const { index, remote, context } = this.#options;
    const batch = this.#take();
    const ops = this.#notes.splice(0).flatMap((note) => note());
    if (batch.length === 0) return index.write(ops);
    const results = await remote.commit(
      batch.map(({ intent }) => intent),
      context,
    );
    for (const [i, result] of results.entries()) {
      const change = batch[i] as Change;
      if (result.status === 'done') ops.push(...(await change.effect(result.node)));
      else this.#refused(change, result);
    }
    await this.#learn(ops, results);
  }

  #take(): Change[] {
    let count = 0;
    for (let bytes = 0; count < Math.min(MAX_INTENTS, this.#queue.length); count++) {
      bytes += listBytes((this.#queue[count] as Change).intent);
      if (bytes > LIST_BYTES && count > 0) break;
    }
    return this.#queue.splice(0, count);
  }

  /** The cursor goes on only over revisions that are all ours. */
  async #learn(ops: StoreOp[], results: readonly IntentResult[]): Promise<void> {
    const { index } = this.#options;
    const { state } = index;
    if (!state) return index.write(ops);
    let { cursor } = state;
    const revs = new Set(results.flatMap((result) => (result.status === 'done' ? [result.node.rev] : [])));
    while (revs.has(cursor + 1)) cursor += 1;
    const last = results.findLast((result) => result.status === 'done' && result.stamp !== undefined);
    if (last?.status !== 'done' || last.stamp === undefined) return index.write(ops);
    const marks = withMark(state.marks ?? [], { rev: last.node.rev, stamp: last.stamp });
    await index.setState({ ...state, cursor, marks }, ops);
  }

  #refused(change: Change, { code, message }: IntentResult & { status: 'refused' }): void {
    if (code === 'quota_exceeded' || code === 'forbidden') {
      throw new FsError(fsCodeOf(code), 'backup', { subject: change.path, reason: message });
    }
    if (code === 'blocks_missing' && change.again) change.again();
    else if (SURPRISES.has(code)) this.#surprised = true;
    else this.#options.problem(change.path, message);
  }
}

function listBytes(intent: Intent): number {
  return intent.op === 'put' && 'blocks' in intent.content ? intent.content.blocks.length : 0;
}
