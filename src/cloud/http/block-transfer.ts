import type { Context } from '../../vfs/context.ts';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import type { Digester } from './digester.ts';
import { BrokenAnswer } from './errors.ts';
import { encodeFrames, FrameReader, type OwnFrame } from './frames.ts';
import type { Http } from './http-client.ts';
import type { BlockMemory, BlockRequest, ReadBlock, UploadBlock } from '../remote.ts';
import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES } from '../limits.ts';

/** Requests of one `upload` that are under way at a time; more would only hold more memory. */
const UPLOADS = 3;
/** Blocks of one request that are hashed at a time while the next ones arrive. */
const HASHED_AHEAD = 4;

/** Stores blocks in as few requests as the limits permit. */
export async function uploadBlocks(http: Http, blocks: readonly UploadBlock[], context: Context): Promise<void> {
  const batches = batchesOf(blocks)[Symbol.iterator]();
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const send = async () => {
    for (const batch of batches) await sendBatch(http, batch, { signal });
  };
  const lanes = Array.from({ length: Math.min(UPLOADS, blocks.length) }, send);
  try {
    await Promise.all(lanes);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(lanes);
    throw error;
  }
}

async function sendBatch(http: Http, batch: readonly UploadBlock[], context: Context): Promise<void> {
  const call = { op: 'upload', method: 'POST', path: '/v1/blocks', bytes: encodeFrames(batch) } as const;
  await http.done(call, context);
}

/** @throws RangeError for a block that is empty or too long */
function* batchesOf(blocks: readonly UploadBlock[]): Generator<UploadBlock[]> {
  let batch: UploadBlock[] = [];
  let bytes = 0;
  for (const block of blocks) {
    const { length } = block.data;
    if (length === 0 || length > BLOCK_SIZE) throw new RangeError(`a block of ${length} bytes`);
    if (batch.length === MAX_BATCH_BLOCKS || bytes + length > MAX_BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(block);
    bytes += length;
  }
  if (batch.length > 0) yield batch;
}

export interface ReadParts {
  readonly http: Http;
  readonly digester: Digester;
  /** Where the blocks go; fresh memory if absent. */
  readonly memory: BlockMemory | undefined;
}

/**
 * Blocks of versions in the order asked for. A request asks for as many as may come in one answer; where an answer
 * ends early, for its size or because it was cut off, the next request asks for what is still to come.
 */
export async function* readBlocks(
  parts: ReadParts,
  blocks: readonly BlockRequest[],
  context: Context,
): AsyncGenerator<ReadBlock> {
  const tries = parts.http.tries({ op: 'read', subject: blocks[0]?.version }, context);
  for (let done = 0; done < blocks.length;) {
    try {
      const asked = blocks.slice(done, done + MAX_BATCH_BLOCKS);
      for await (const frame of frames(parts, asked, context)) {
        const request = blocks[done] as BlockRequest;
        done += 1;
        tries.progress();
        yield { version: request.version, index: request.index, digest: frame.digest, data: frame.data };
      }
    } catch (error) {
      await tries.next(error);
    }
  }
}

async function* frames(
  { http, digester, memory }: ReadParts,
  asked: readonly BlockRequest[],
  context: Context,
): AsyncGenerator<OwnFrame> {
  const json = { blocks: asked.map(({ version, index }) => ({ version, index })) };
  const body = await http.open({ op: 'read', method: 'POST', path: '/v1/blocks/read', json }, context);
  const reader = new FrameReader(memory);
  const pending: Promise<OwnFrame>[] = [];
  let count = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    for (const frame of reader.push(chunk)) {
      count += 1;
      pending.push(handled(verified(digester, frame)));
    }
    if (count > asked.length) throw new BrokenAnswer('more blocks than were asked for');
    while (pending.length > HASHED_AHEAD) yield await (pending.shift() as Promise<OwnFrame>);
  }
  while (pending.length > 0) yield await (pending.shift() as Promise<OwnFrame>);
  reader.end();
  if (count === 0) throw new BrokenAnswer('an answer without blocks', { temporary: true });
}

/** The frame, once its bytes are known to be those that its digest names. */
async function verified(digester: Digester, { digest, data }: OwnFrame): Promise<OwnFrame> {
  const found = await digester.digest(data);
  if (found.digest === digest) return found;
  throw new BrokenAnswer('the bytes of a block do not match its digest', { temporary: true });
}

/** A rejection is seen when its turn comes; until then it must not count as unhandled. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
