import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES } from '../../limits.ts';
import { BLOCK_SIZE, DIGEST_SIZE } from '../../../vfs/block.ts';
import { Refusal } from '../refusal.ts';
import type { Block } from './block-store.ts';

/** Bytes before each block: its length (32 bits, big-endian) and its raw digest. */
export const FRAME_HEADER = 4 + DIGEST_SIZE;

export function frameHeader(digest: string, length: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER);
  header.writeUInt32BE(length, 0);
  header.write(digest, 4, 'hex');
  return header;
}

/**
 * Yields the blocks of a stream of frames. Never holds more than one block and one chunk in memory; small blocks are parts of a chunk.
 * @throws bad_request if the stream ends inside a frame or a length is out of range; too_large if there are too many
 * blocks
 */
export async function* readFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  const input = new ByteQueue(stream);
  let bytes = 0;
  // Most of what is asked for is there, and then nothing has to be waited for.
  for (let count = 1; input.has(1) || (await input.fill(1)); count += 1) {
    if (!input.has(FRAME_HEADER) && !(await input.fill(FRAME_HEADER))) throw truncated();
    const header = asBuffer(input.take(FRAME_HEADER));
    const length = header.readUInt32BE(0);
    bytes += length;
    if (length === 0 || length > BLOCK_SIZE)
      throw new Refusal('bad_request', `a block must have 1 to ${BLOCK_SIZE} bytes`);
    if (count > MAX_BATCH_BLOCKS || bytes > MAX_BATCH_BYTES)
      throw new Refusal('too_large', 'too many blocks in one request');
    if (!input.has(length) && !(await input.fill(length))) throw truncated();
    yield { digest: header.toString('hex', 4), data: input.take(length) };
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function truncated(): Refusal {
  return new Refusal('bad_request', 'the body ends inside a frame');
}

class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Whether `count` bytes are buffered. */
  has(count: number): boolean {
    return this.#length >= count;
  }

  /** Waits until `count` bytes are buffered. Resolves to false if the stream ends before that. */
  async fill(count: number): Promise<boolean> {
    while (this.#length < count) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#chunks.push(next.value);
      this.#length += next.value.length;
    }
    return true;
  }

  /** Bytes that came in one chunk are taken as a part of it. */
  take(count: number): Uint8Array {
    const [first] = this.#chunks;
    if (first !== undefined && first.length > count) {
      this.#chunks[0] = first.subarray(count);
      this.#length -= count;
      return first.subarray(0, count);
    }
    const taken = Buffer.allocUnsafeSlow(count);
    let at = 0;
    let used = 0;
    while (at < count) {
      const chunk = this.#chunks[used] as Uint8Array;
      const part = chunk.subarray(0, count - at);
      taken.set(part, at);
      at += part.length;
      if (part.length === chunk.length) used += 1;
      else this.#chunks[used] = chunk.subarray(part.length);
    }
    this.#chunks.splice(0, used);
    this.#length -= count;
    return taken;
  }
}
