import { BrokenResponse } from './errors.ts';
import { BLOCK_SIZE, DIGEST_SIZE } from '../../vfs/block.ts';

/**
 * A body of blocks: for each block its length (unsigned, 32 bits, big-endian), the 32 raw bytes of its SHA-256, and its
 * bytes. The list ends with the body.
 */
export const HEAD = 4 + DIGEST_SIZE;

export interface Frame<Bytes extends Uint8Array = Uint8Array> {
  /** hex */
  readonly digest: string;
  readonly data: Bytes;
}

/** A received frame, whose bytes own their memory. */
export type OwnFrame = Frame<Uint8Array<ArrayBuffer>>;

/** @param memory allocates the memory of the body */
export function encodeFrames(
  blocks: readonly Frame[],
  memory: (length: number) => Buffer = (length) => Buffer.allocUnsafeSlow(length),
): Buffer {
  const body = memory(blocks.reduce((sum, { data }) => sum + HEAD + data.length, 0));
  let at = 0;
  for (const { digest, data } of blocks) {
    body.writeUInt32BE(data.length, at);
    body.write(digest, at + 4, 'hex');
    body.set(data, at + HEAD);
    at += HEAD + data.length;
  }
  return body;
}

/**
 * Splits a body into frames as chunks arrive. Each byte is copied once, into a buffer of the block's size. Digests are
 * not verified here.
 * @throws BrokenResponse if a length is out of range; `end()` also throws it if the body ends inside a frame
 */
export class FrameReader {
  readonly #head = Buffer.alloc(HEAD);
  #data: Uint8Array<ArrayBuffer> | undefined;
  /** Bytes of the head or of the data received so far. */
  #filled = 0;
  readonly #memory: (length: number) => Uint8Array<ArrayBuffer>;

  /** @param memory allocates the memory of each block */
  constructor(memory = fresh) {
    this.#memory = memory;
  }

  /** Adds a chunk, and returns the frames that it completes. */
  push(chunk: Uint8Array): OwnFrame[] {
    const frames: OwnFrame[] = [];
    let at = 0;
    while (at < chunk.length) {
      at += this.#data === undefined ? this.#fill(this.#head, chunk, at) : this.#fill(this.#data, chunk, at);
      if (this.#data === undefined) this.#startData();
      else if (this.#filled === this.#data.length) frames.push(this.#finish(this.#data));
    }
    return frames;
  }

  end(): void {
    if (this.#filled > 0 || this.#data !== undefined) {
      throw new BrokenResponse("the cloud's response ends in the middle of a block", {
        temporary: true,
        code: 'EAGAIN',
      });
    }
  }

  #fill(target: Uint8Array, chunk: Uint8Array, at: number): number {
    const count = Math.min(target.length - this.#filled, chunk.length - at);
    target.set(at === 0 && count === chunk.length ? chunk : chunk.subarray(at, at + count), this.#filled);
    this.#filled += count;
    return count;
  }

  #startData(): void {
    if (this.#filled < HEAD) return;
    const length = this.#head.readUInt32BE(0);
    if (length === 0 || length > BLOCK_SIZE) {
      throw new BrokenResponse(`a block of ${length} bytes`, { temporary: true });
    }
    this.#data = this.#memory(length);
    this.#filled = 0;
  }

  #finish(data: Uint8Array<ArrayBuffer>): OwnFrame {
    this.#data = undefined;
    this.#filled = 0;
    return { digest: this.#head.toString('hex', 4), data };
  }
}

function fresh(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}
