import { withMark } from '../cloud/marks.ts';
import type { Remote } from '../cloud/remote.ts';
import { fsCodeOf } from '../cloud/errors.ts';
import type { MadeFiles } from '../cloud/new-files.ts';
import type { Intent, IntentResult, Mark, NodeRecord } from '../cloud/records.ts';
import type { WireCode } from '../cloud/wire-code.ts';
import type { Context } from '../vfs/context.ts';
import { CommitQueue } from '../transfer/commit-queue.ts';
import { FsError, isFsError, type Code } from '../vfs/fs-error.ts';
import type { BackupIndex } from './backup-index.ts';
import type { NewFilesBatch } from './new-file-reader.ts';
import { OwnRevisions, stretchesOf } from './own-revisions.ts';
import type { StoreOp } from './store.ts';

/** One change of the mirror. */
export interface BackupChange {
  readonly intent: Intent;
  /** Path in the source, for reports. */
  readonly path: string;
  /** The ops for the index once the cloud has executed the change. */
  readonly effect: (node: NodeRecord) => StoreOp[] | Promise<StoreOp[]>;
  /** Called if the blocks are no longer in the cloud; without it, that is reported as a problem of the path. */
  readonly again?: () => void;
}

export interface CommitterOptions {
  readonly index: BackupIndex;
  readonly remote: Remote;
  readonly context: Context;
  /** Called for a change that can never succeed. */
  readonly problem: (path: string, reason: string) => void;
}

/** Number of notes that are written without waiting for a batch of changes. */
const NOTES = 2000;

/** Errors of `makeFiles` after which nothing was made. */
const REFUSED: ReadonlySet<Code> = new Set([
  'EEXIST',
  'ENOENT',
  'ENOTDIR',
  'EINVAL',
  'EFBIG',
  'EACCES',
  'EDQUOT',
  'ESTALE',
]);

/** Refusals that mean that the mirror differs from the index. */
const SURPRISES: ReadonlySet<WireCode> = new Set(['exists', 'conflict', 'gone', 'not_found', 'not_a_folder']);

/** Commits changes in the order in which they were added. The index follows each batch in one write. */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #queue: CommitQueue<BackupChange>;
  readonly #notes: (() => StoreOp[])[] = [];
  readonly #own = new OwnRevisions();
  /** The state of the index is written by one after the other. */
  #recorded = Promise.resolve();
  #surprised = false;

  constructor(options: CommitterOptions) {
    const { remote, context } = options;
    this.#options = options;
    const settle = async (batch: readonly BackupChange[], results: readonly IntentResult[]) =>
      this.#settle(batch, results);
    const commit: Remote['commit'] = async (intents, ...more) => {
      await options.index.write([options.index.sending(nameOf(intents), created(intents))]);
      return remote.commit(intents, ...more);
    };
    this.#queue = new CommitQueue({ remote: { commit }, context, settle });
  }

  /** Whether a refusal has shown that the index must be rebuilt. */
  get surprised(): boolean {
    return this.#surprised;
  }

  add(change: BackupChange): void {
    this.#queue.add(change);
  }

  /**
   * Makes new files at once, whose folders have been made. Resolves to false if the cloud refuses that: nothing was made then, and
   * each change of its own may succeed, or says what is wrong. @throws as `Remote`
   */
  async makeFiles({ id, body, count, nodes, rows }: NewFilesBatch): Promise<boolean> {
    const { index, remote, context } = this.#options;
    await index.write([index.sending(id, nodes)]);
    let made: MadeFiles;
    try {
      made = await remote.makeFiles(body, context);
    } catch (error) {
      if (!isFsError(error) || !REFUSED.has(error.code)) throw error;
      await index.write([index.sending(id, [])]);
      return false;
    }
    const ops: StoreOp[] = [index.sending(id, [])];
    for (let i = 0; i < rows.length; i += 2) ops.push({ type: 'put', key: rows[i] ?? '', json: rows[i + 1] ?? '' });
    const last = made.rev + count - 1;
    await this.#record(ops, [[made.rev, last]], { rev: last, stamp: made.stamp });
    return true;
  }

  /** Adds ops that only the index needs, about a node without a pending change. */
  note(ops: () => StoreOp[]): void {
    this.#notes.push(ops);
  }

  /** Resolves when not too much is pending. @throws what stopped the commits */
  async room(): Promise<void> {
    await this.#queue.room();
    if (this.#notes.length >= NOTES) await this.#writeNotes();
  }

  /** Resolves when everything added so far is done. @throws what stopped the commits */
  async flush(): Promise<void> {
    await this.#queue.flush();
    await this.#writeNotes();
  }

  async #settle(batch: readonly BackupChange[], results: readonly IntentResult[]): Promise<void> {
    const ops = this.#takeNotes();
    ops.push(this.#options.index.sending(nameOf(batch.map(({ intent }) => intent)), []));
    for (const [i, result] of results.entries()) {
      const change = batch[i] as BackupChange;
      if (result.status === 'done') ops.push(...(await change.effect(result.node)));
      else this.#refused(change, result);
    }
    const revs = results.flatMap((result) => (result.status === 'done' ? [result.node.rev] : []));
    const last = results.findLast((result) => result.status === 'done' && result.stamp !== undefined);
    const isMark = last?.status === 'done' && last.stamp !== undefined;
    await this.#record(ops, stretchesOf(revs), isMark ? { rev: last.node.rev, stamp: last.stamp } : undefined);
  }

  async #writeNotes(): Promise<void> {
    await this.#options.index.write(this.#takeNotes());
  }

  #takeNotes(): StoreOp[] {
    return this.#notes.splice(0).flatMap((note) => note());
  }

  async #record(ops: StoreOp[], revs: readonly (readonly [number, number])[], mark: Mark | undefined): Promise<void> {
    const recorded = this.#recorded.then(async () => this.#recordNow(ops, revs, mark));
    // Each failure is that of one caller.
    this.#recorded = recorded.catch(() => undefined);
    await recorded;
  }

  /** The cursor advances only over revisions that are all ours. */
  async #recordNow(
    ops: StoreOp[],
    revs: readonly (readonly [first: number, last: number])[],
    mark: Mark | undefined,
  ): Promise<void> {
    const { index } = this.#options;
    const { state } = index;
    for (const [first, last] of revs) this.#own.add(first, last);
    if (!state || !mark) return index.write(ops);
    const cursor = this.#own.after(state.cursor);
    await index.setState({ ...state, cursor, marks: withMark(state.marks ?? [], mark) }, ops);
  }

  #refused(change: BackupChange, { code, message }: IntentResult & { status: 'refused' }): void {
    if (code === 'quota_exceeded' || code === 'forbidden') {
      throw new FsError(fsCodeOf(code), 'backup', { subject: change.path, reason: message });
    }
    if (code === 'blocks_missing' && change.again) change.again();
    else if (SURPRISES.has(code)) this.#surprised = true;
    else this.#options.problem(change.path, message);
  }
}

/** Names a batch. */
function nameOf(intents: readonly Intent[]): string {
  return intents[0]?.id ?? '';
}

function created(intents: readonly Intent[]): string[] {
  return intents.filter((intent) => intent.op === 'mkdir' || intent.op === 'symlink' || isNewFile(intent)).map(nodeOf);
}

function isNewFile(intent: Intent): boolean {
  return intent.op === 'put' && intent.base === null;
}

function nodeOf({ node }: Intent): string {
  return node;
}
