import { BrokenAnswer } from './errors.ts';
import { BLOCK_SIZE, DIGEST_SIZE } from '../../vfs/block.ts';

/**
 * Blocks in one body, back to back: a length (unsigned, 32 bits, big-endian), the 32 raw bytes of the block's SHA-256,
 * the block. The end of the body is the end of the list.
 */
const HEAD = 4 + DIGEST_SIZE;

export interface Frame<Bytes extends Uint8Array = Uint8Array> {
  /** hex */
  readonly digest: string;
  readonly data: Bytes;
}

/** As it came: the bytes have memory of their own. */
export type OwnFrame = Frame<Uint8Array<ArrayBuffer>>;

export function encodeFrames(blocks: readonly Frame[]): Buffer {
  const body = Buffer.allocUnsafeSlow(blocks.reduce((sum, { data }) => sum + HEAD + data.length, 0));
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
 * Cuts a body into its frames, as chunks come. Each byte of content is copied once, into a buffer of the block's own
 * size. Digests are not verified here.
 * @throws BrokenAnswer if a length is impossible; `end()` does so too if the body stops within a frame
 */
export class FrameReader {
  readonly #head = Buffer.alloc(HEAD);
  #data: Uint8Array<ArrayBuffer> | undefined;
  /** Bytes of the head, or of the data, that are there. */
  #filled = 0;
  readonly #memory: (length: number) => Uint8Array<ArrayBuffer>;

  /** `memory` gives each block memory of its own. */
  constructor(memory = fresh) {
    this.#memory = memory;
  }

  /** The frames that the chunk completes. */
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
      throw new BrokenAnswer('the answer ends in the middle of a block', { temporary: true, code: 'EAGAIN' });
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
      throw new BrokenAnswer(`a block of ${length} bytes`, { temporary: true });
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
