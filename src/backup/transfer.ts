import type { Remote } from '../cloud/remote.ts';
import type { Context } from '../vfs/context.ts';
import { asFsError, type FsError } from '../vfs/fs-error.ts';
import type { ReadOutcome, Segment, SegmentBlock } from './segment-reader.ts';
import type { SourceResponse, SourceRequest } from './source-thread.ts';
import type { Tally } from './tally.ts';
import type { WorkerThread } from '../threads/worker-thread.ts';

export type SourceThread = WorkerThread<SourceRequest, SourceResponse>;

/** A file whose content has to be looked at. */
export interface ReadJob {
  /** In the source, absolute. */
  readonly path: string;
  readonly size: number;
  /** Called once, when all blocks of the file are in the cloud, or the reading has failed. */
  readonly finish: (outcome: ReadOutcome) => Promise<void> | void;
}

export interface TransferOptions {
  readonly reader: SourceThread;
  readonly remote: Remote;
  readonly tally: Tally;
  readonly context: Context;
}

/** Segments that are asked about or uploaded at a time; each is 8 MiB of memory at most. */
const SEGMENTS = 3;
/** Files that may wait for the reader. */
const WAITING = 4000;

/** Reads files, sends the blocks that the cloud lacks, and says of each file when it is there. */
export class Transfer {
  readonly #options: TransferOptions;
  readonly #jobs = new Map<number, ReadJob>();
  #unsent: { token: number; path: string }[] = [];
  #last = 0;
  #running: Promise<void> = Promise.resolve();
  #active = false;
  #failure: FsError | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  add(job: ReadJob): void {
    const token = (this.#last += 1);
    this.#jobs.set(token, job);
    this.#unsent.push({ token, path: job.path });
    this.#options.tally.total.files += 1;
    this.#options.tally.total.bytes += job.size;
    if (this.#active) return;
    this.#active = true;
    this.#running = this.#run();
  }

  /** Answered when not too many files wait. @throws what stopped the transfer */
  async room(): Promise<void> {
    while (this.#jobs.size > WAITING) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Answered when all files given so far are finished. @throws what stopped the transfer */
  async drain(): Promise<void> {
    while (this.#active) await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #run(): Promise<void> {
    // What is given in the same turn is asked for together.
    await Promise.resolve();
    while (this.#jobs.size > 0) {
      const shipping = new Set<Promise<void>>();
      await this.#readAll(shipping).catch((error: unknown) => this.#fail(error));
      await Promise.all(shipping);
    }
    this.#active = false;
  }

  /** Reads on while segments are shipped; their files are finished in the order of reading. */
  async #readAll(shipping: Set<Promise<void>>): Promise<void> {
    let last: Promise<void> = Promise.resolve();
    while (this.#jobs.size > 0) {
      const segment = await this.#next();
      if (isNothing(segment)) {
        await last;
        continue;
      }
      const shipped = this.#ship(segment, last);
      last = shipped;
      const settled = shipped.catch((error: unknown) => this.#fail(error)).finally(() => shipping.delete(settled));
      shipping.add(settled);
      if (shipping.size >= SEGMENTS) await Promise.race(shipping);
    }
  }

  async #next(): Promise<Segment> {
    const { reader, context } = this.#options;
    context.signal.throwIfAborted();
    const files = this.#unsent;
    this.#unsent = [];
    if (files.length > 0) await reader.request({ ask: 'add', files });
    return reader.request<Segment>({ ask: 'next' });
  }

  async #ship({ blocks, outcomes }: Segment, before: Promise<void>): Promise<void> {
    if (blocks.length > 0) await this.#send(blocks);
    await before;
    await this.#finish(outcomes);
  }

  async #send(blocks: readonly SegmentBlock[]): Promise<void> {
    const { remote, context, tally } = this.#options;
    const byDigest = new Map(blocks.map((block) => [block.digest, block]));
    const missing = await remote.missing([...byDigest.keys()], context);
    const lacking = missing
      .map((digest) => byDigest.get(digest))
      .filter((block): block is SegmentBlock => block !== undefined);
    await remote.upload(lacking, context);
    const sum = (list: readonly SegmentBlock[]) => list.reduce((bytes, { data }) => bytes + data.length, 0);
    tally.uploaded.blocks += lacking.length;
    tally.uploaded.bytes += sum(lacking);
    tally.read.bytes += sum(blocks);
  }

  async #finish(outcomes: readonly ReadOutcome[]): Promise<void> {
    for (const outcome of outcomes) {
      const job = this.#jobs.get(outcome.token);
      this.#jobs.delete(outcome.token);
      this.#options.tally.read.files += 1;
      await job?.finish(outcome);
    }
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

function isNothing({ blocks, outcomes }: Segment): boolean {
  return blocks.length === 0 && outcomes.length === 0;
}
