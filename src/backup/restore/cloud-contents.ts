import PQueue from 'p-queue';
import type { BlockRequest, ReadBlock, Remote } from '../../cloud/remote.ts';
import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES } from '../../cloud/limits.ts';
import { BLOCK_SIZE, blockCount, blockLength, contentHash, sameBytes, zeroDigest } from '../../vfs/block.ts';
import { DigestList } from '../../vfs/digest-list.ts';
import { asFsError, FsError } from '../../vfs/fs-error.ts';
import type { Contents, FileJob } from './contents.ts';
import { entryFailure } from './failure.ts';
import { PartFile, writeWhole } from './part-file.ts';

/** Requests for blocks that are under way at a time, each of up to 8 MiB. */
const LANES = 4;
/** Blocks of a large file in one request. */
const SPAN = MAX_BATCH_BYTES / BLOCK_SIZE;

/** A whole part of a large file: blocks that are not there yet. */
interface Span {
  readonly job: FileJob;
  readonly part: PartFile;
  readonly list: DigestList;
  readonly indices: readonly number[];
}

/**
 * Contents of files straight from the cloud. Small files come by the hundred in one request, large ones in parallel spans; every
 * block is verified against the list of the content's digests, and that against the content's hash. Holes are not fetched.
 */
export class CloudContents implements Contents {
  readonly #remote: Remote;
  readonly #signal: AbortSignal;
  readonly #lanes = new PQueue({ concurrency: LANES });
  #batch: FileJob[] = [];
  #bytes = 0;
  #error: unknown;

  constructor(remote: Remote, signal: AbortSignal) {
    this.#remote = remote;
    this.#signal = signal;
  }

  async add(job: FileJob): Promise<void> {
    const { size } = job.entry;
    if (size > BLOCK_SIZE) return this.#addLarge(job);
    if (size === 0) this.#save(job, new Uint8Array(0));
    else {
      this.#batch.push(job);
      this.#bytes += size;
    }
    if (this.#batch.length >= MAX_BATCH_BLOCKS || this.#bytes > MAX_BATCH_BYTES - BLOCK_SIZE) await this.#send();
    this.#check();
  }

  async flush(): Promise<void> {
    await this.#send();
    await this.#lanes.onIdle();
    this.#check();
  }

  /** @throws what has stopped the run */
  #check(): void {
    if (this.#error !== undefined) throw asFsError(this.#error, 'restore');
  }

  async #send(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    if (batch.length > 0) await this.#begin(() => this.#fetchSmall(batch));
  }

  /** Begins a task when a lane is free. */
  async #begin(task: () => Promise<void>): Promise<void> {
    await this.#lanes.onSizeLessThan(1);
    this.#check();
    void this.#lanes.add(async () => {
      if (this.#error !== undefined) return;
      await task().catch((error: unknown) => void (this.#error ??= error));
    });
  }

  /** Files of one block each. What fails is found by halves: a request fails as a whole for one bad block. */
  async #fetchSmall(jobs: readonly FileJob[]): Promise<void> {
    let done = 0;
    try {
      const requests = jobs.map(({ entry: { version, size } }) => ({ version, index: 0, length: size }));
      for await (const block of this.#read(requests)) {
        const job = jobs[done++] as FileJob;
        job.received(block.data.length);
        if (isWhole(job, block)) this.#save(job, block.data);
        else job.failed(damaged('the content is not the one that its hash names'));
      }
    } catch (error) {
      const failure = entryFailure(error, this.#signal);
      const left = jobs.slice(done);
      if (left.length === 1) return left[0]?.failed(failure);
      const half = Math.ceil(left.length / 2);
      await this.#fetchSmall(left.slice(0, half));
      await this.#fetchSmall(left.slice(half));
    }
  }

  #save(job: FileJob, data: Uint8Array): void {
    try {
      writeWhole(job, data);
    } catch (error) {
      return job.failed(entryFailure(error, this.#signal));
    }
    job.done();
  }

  async #addLarge(job: FileJob): Promise<void> {
    let part: PartFile | undefined;
    try {
      const list = await this.#manifest(job);
      part = PartFile.open(job);
      await this.#fetchLarge(job, part, list);
    } catch (error) {
      this.#check();
      part?.discard();
      job.failed(entryFailure(error, this.#signal));
    }
  }

  /** Resolves when the last spans are under way: the next file is begun meanwhile. */
  async #fetchLarge(job: FileJob, part: PartFile, list: DigestList): Promise<void> {
    const file = { pending: 1, error: undefined as FsError | undefined };
    const settle = (): void => {
      file.pending -= 1;
      if (file.pending === 0) this.#complete(job, part, file.error);
    };
    const send = async (indices: readonly number[]): Promise<void> => {
      file.pending += 1;
      await this.#begin(async () => {
        try {
          if (file.error === undefined) await this.#fetchSpan({ job, part, list, indices });
        } catch (error) {
          file.error = entryFailure(error, this.#signal);
        }
        settle();
      });
    };
    let span: number[] = [];
    for await (const index of this.#lacking(job, part, list)) {
      span.push(index);
      if (span.length < SPAN) continue;
      await send(span);
      span = [];
      if (file.error !== undefined) break;
    }
    if (span.length > 0) await send(span);
    settle();
  }

  /** Blocks that are neither zeros nor there already. */
  async *#lacking(job: FileJob, part: PartFile, list: DigestList): AsyncGenerator<number> {
    const { size } = job.entry;
    const zeros = zeroDigest(BLOCK_SIZE);
    for (const { digest, start, end } of list.runs()) {
      const isHole = sameBytes(digest, zeros);
      if (isHole && !part.isOld) {
        job.received(Math.min(size, end * BLOCK_SIZE) - start * BLOCK_SIZE);
        continue;
      }
      for (let index = start; index < end; index++) {
        const isThere = await part.has(index, digest);
        if (!isThere && !isHole) yield index;
        else {
          if (!isThere) await part.clear(index);
          job.received(blockLength(size, index));
        }
      }
    }
  }

  async #fetchSpan({ job, part, list, indices }: Span): Promise<void> {
    const { version, size } = job.entry;
    const requests = indices.map((index) => ({ version, index, length: blockLength(size, index) }));
    for await (const { index, digest, data } of this.#read(requests)) {
      const isRight = data.length === blockLength(size, index) && sameBytes(Buffer.from(digest, 'hex'), list.at(index));
      if (!isRight) throw damaged('a block is not the one that the list of the content names');
      await part.write(index * BLOCK_SIZE, data);
      job.received(data.length);
    }
  }

  #complete(job: FileJob, part: PartFile, error: FsError | undefined): void {
    if (error) {
      part.discard();
      return job.failed(error);
    }
    try {
      part.finish();
    } catch (failure) {
      return job.failed(entryFailure(failure, this.#signal));
    }
    job.done();
  }

  async #manifest({ entry: { version, size, hash } }: FileJob): Promise<DigestList> {
    const list = DigestList.from(await this.#remote.manifest(version, { signal: this.#signal }), blockCount(size));
    if (list === undefined || (await list.hash()) !== hash)
      throw damaged('the list of its blocks does not match its hash');
    return list;
  }

  #read(requests: readonly BlockRequest[]): AsyncIterable<ReadBlock> {
    return this.#remote.read(requests, { signal: this.#signal });
  }
}

function isWhole({ entry }: FileJob, { digest, data }: ReadBlock): boolean {
  return data.length === entry.size && contentHash(Buffer.from(digest, 'hex')) === entry.hash;
}

function damaged(reason: string): FsError {
  return new FsError('EIO', 'restore', { reason });
}
