import type { Context } from '../../vfs/context.ts';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import { receive } from './block-response.ts';
import type { DownloadThread, ReceivedFrame } from './download-thread.ts';
import type { BodyMemory } from './body-memory.ts';
import { encodeFrames } from './frames.ts';
import type { Http } from './http-client.ts';
import type { BlockMemory, BlockRequest, ReadBlock, UploadBlock } from '../remote.ts';
import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES } from '../limits.ts';

/** Concurrent requests of an `upload`; more would only take more memory. */
const UPLOADS = 3;
/** Bytes from which on a block is large. */
const LARGE = 64 * 1024;

export interface UploadParts {
  readonly http: Http;
  /** Where bodies are made. */
  readonly memory: BodyMemory;
}

/** Stores blocks in as few requests as the limits permit. */
export async function uploadBlocks(
  parts: UploadParts,
  blocks: readonly UploadBlock[],
  context: Context,
  query = '',
): Promise<void> {
  const batches = batchesOf(blocks)[Symbol.iterator]();
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const send = async () => {
    for (const batch of batches) await sendBatch(parts, batch, { ...context, signal }, query);
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

async function sendBatch(
  { http, memory }: UploadParts,
  batch: readonly UploadBlock[],
  context: Context,
  query: string,
): Promise<void> {
  const lane = context.bulk === true ? 'backup' : 'drive';
  const path = `/v1/blocks${query}`;
  const bytes = encodeFrames(batch, (length) => memory.take(length));
  await http.done({ op: 'upload', method: 'POST', path, bytes, lane }, context);
  // After a failure a connection may still be reading it.
  memory.give(bytes);
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
  readonly thread: DownloadThread;
  /** Where the blocks go; fresh memory if absent. */
  readonly memory: BlockMemory | undefined;
}

/**
 * Yields blocks of versions in the requested order. A request asks for as many as a response may contain. If a response
 * ends early, because of its size or a broken connection, the next request continues after the last block.
 */
export async function* readBlocks(
  parts: ReadParts,
  blocks: readonly BlockRequest[],
  context: Context,
): AsyncGenerator<ReadBlock> {
  const tries = parts.http.tries({ op: 'read', subject: blocks[0]?.version }, context);
  // Blocks are verified here, so the cloud need not do the same. After a failure it does, and so learns of a damaged block.
  let verifies = context.once !== true;
  for (let done = 0; done < blocks.length;) {
    try {
      const asked = blocks.slice(done, done + MAX_BATCH_BLOCKS);
      for await (const frame of frames(parts, { asked, verifies }, context)) {
        const request = blocks[done] as BlockRequest;
        done += 1;
        tries.progress();
        yield { version: request.version, index: request.index, ...frame };
      }
    } catch (error) {
      verifies = false;
      await tries.next(error);
    }
  }
}

interface Asked {
  readonly asked: readonly BlockRequest[];
  readonly verifies: boolean;
}

/** Large blocks come by the thread; small ones would take longer on their way from there than to be hashed here. */
function frames(
  { http, thread, memory }: ReadParts,
  { asked, verifies }: Asked,
  context: Context,
): AsyncGenerator<ReceivedFrame> {
  const json = { blocks: asked.map(({ version, index }) => ({ version, index })), verifies };
  const lane = context.bulk === true ? 'backup' : 'first';
  const call = { op: 'read', method: 'POST', path: '/v1/blocks/read', json, lane } as const;
  const bytes = asked.reduce((sum, { length = 0 }) => sum + length, 0);
  if (bytes < asked.length * LARGE) return receive({ http, memory }, call, asked.length, context);
  return thread.frames(call, asked, context, memory);
}
