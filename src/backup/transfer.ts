import type { Remote } from '../cloud/remote.ts';
import { BlockSender, bytesOf, type SendableBlock } from '../transfer/block-sender.ts';
import { Pipeline } from '../transfer/pipeline.ts';
import type { Context } from '../vfs/context.ts';
import { asFsError, type FsError } from '../vfs/fs-error.ts';
import type { ReadOutcome, ReadRequest, Segment, SegmentBlock } from './segment-reader.ts';
import type { SourceThread } from './start-source-thread.ts';
import type { Tally } from './tally.ts';

/** A file whose content must be read. */
export interface ReadJob {
  /** Path relative to the source folder. */
  readonly path: string;
  readonly size: number;
  /** It was being written when it was read before. */
  readonly again?: boolean;
  /** Called once, when all blocks of the file are in the cloud or reading it has failed. */
  readonly finish: (outcome: ReadOutcome) => Promise<void> | void;
}

export interface TransferOptions {
  readonly reader: SourceThread;
  readonly remote: Remote;
  readonly tally: Tally;
  readonly context: Context;
  /** The mirror is empty: the cloud has what is read only if the account has it elsewhere. */
  readonly fresh: boolean;
}

/** Segments that are sent at the same time; each takes at most 8 MiB of memory. */
const SEGMENTS = 3;
/** Most files that wait to be read. */
const WAITING = 4000;

/** Reads files, sends the blocks that the cloud lacks, and finishes each file when all of its blocks are there. */
export class Transfer {
  readonly #options: TransferOptions;
  readonly #sender: BlockSender;
  /** Sends segments concurrently; their files are finished in the order of reading. */
  readonly #pipeline = new Pipeline(SEGMENTS);
  readonly #jobs = new Map<number, ReadJob>();
  #unsent: ReadRequest[] = [];
  /** Memory of blocks that were sent, to be read into again. */
  #spare: ArrayBuffer[] = [];
  #last = 0;
  #running: Promise<void> | undefined;
  #failure: FsError | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#sender = new BlockSender(options.remote);
  }

  add(job: ReadJob): void {
    const token = (this.#last += 1);
    this.#jobs.set(token, job);
    this.#unsent.push({ token, path: job.path, again: job.again });
    this.#options.tally.total.files += 1;
    this.#options.tally.total.bytes += job.size;
    this.#options.tally.current ??= job.path;
    this.#running ??= this.#run();
  }

  /** Resolves when not too many files are waiting. @throws what stopped the transfer */
  async room(): Promise<void> {
    while (this.#jobs.size > WAITING) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when all files added so far are finished. @throws what stopped the transfer */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #run(): Promise<void> {
    // Files that are added in the same turn are requested together.
    await Promise.resolve();
    while (this.#jobs.size > 0) {
      await this.#readAll().catch((error: unknown) => this.#fail(error));
      await this.#pipeline.idle();
    }
    this.#running = undefined;
  }

  async #readAll(): Promise<void> {
    while (this.#jobs.size > 0) {
      const { blocks, outcomes } = await this.#next();
      if (blocks.length + outcomes.length === 0) {
        // Nothing is left, or a file is being checked.
        await this.#pipeline.idle();
        continue;
      }
      const sent = this.#pipeline.run(
        async () => this.#send(blocks),
        async () => this.#finish(outcomes),
      );
      sent.catch((error: unknown) => this.#fail(error));
      await this.#pipeline.room();
    }
  }

  async #next(): Promise<Segment> {
    const { reader, context } = this.#options;
    context.signal.throwIfAborted();
    const files = this.#unsent;
    this.#unsent = [];
    if (files.length > 0) await reader.request({ ask: 'add', files });
    const memory = this.#spare;
    this.#spare = [];
    return reader.request<Segment>({ ask: 'next', memory }, memory);
  }

  async #send(segment: readonly SegmentBlock[]): Promise<void> {
    const { context, tally, fresh } = this.#options;
    const blocks = segment.map((block) => sendable(block, fresh));
    const lacking = await this.#sender.lacking(blocks, context);
    await this.#sender.send(lacking, context);
    tally.uploaded.blocks += lacking.length;
    tally.uploaded.bytes += bytesOf(lacking);
    tally.read.bytes += bytesOf(blocks);
    this.#spare.push(...memoryOf(segment));
  }

  async #finish(outcomes: readonly ReadOutcome[]): Promise<void> {
    for (const outcome of outcomes) {
      const job = this.#jobs.get(outcome.token);
      this.#jobs.delete(outcome.token);
      this.#options.tally.read.files += 1;
      await job?.finish(outcome);
    }
    // Files are finished in the order in which they were added.
    const [next] = this.#jobs.values();
    this.#options.tally.current = next?.path;
    this.#wake();
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }

  #fail(error: unknown): void {
    this.#failure ??= asFsError(error, 'backup');
    this.#jobs.clear();
    this.#wake();
  }
}

function memoryOf(segment: readonly SegmentBlock[]): ArrayBuffer[] {
  return [...new Set(segment.map(({ data }) => data.buffer))];
}

function sendable({ digest, data }: SegmentBlock, isNew: boolean): SendableBlock {
  return { digest, size: data.length, isNew, read: () => data };
}
