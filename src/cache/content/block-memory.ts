import { LRUCache } from 'lru-cache';
import { BLOCK_SIZE } from '../../vfs/block.ts';

/** Most bytes of recent blocks: the read-ahead of one reader. */
const RECENT = 32 * BLOCK_SIZE;
/** Most unused buffers that are kept. */
const SPARE = 16;
/** All memory is released after this time without new blocks, ms. */
const KEPT = 3000;

/**
 * Keeps the most recent blocks for readers that will read them soon, and reuses their memory for later blocks, because
 * collecting fresh memory for each block as garbage costs more than everything else that is done with it.
 *
 * A caller that gets a block must have copied what it needs by the end of its turn of the event loop.
 */
export class BlockMemory {
  readonly #recent = new LRUCache<string, Uint8Array>({
    maxSize: RECENT,
    sizeCalculation: (data: Uint8Array) => data.length,
    dispose: (data) => this.#leave(data),
  });
  readonly #spare: ArrayBuffer[] = [];
  #used = false;
  #timer: NodeJS.Timeout | undefined;

  /** Uninitialized memory of `length` bytes, owned by the caller. */
  readonly take = (length: number): Uint8Array<ArrayBuffer> => {
    const spare = length === BLOCK_SIZE ? this.#spare.pop() : undefined;
    return new Uint8Array(spare ?? Buffer.allocUnsafeSlow(length).buffer);
  };

  get(key: string): Uint8Array | undefined {
    return this.#recent.get(key);
  }

  /** Takes over a block and its memory, which the caller must not use after this turn of the event loop. */
  keep(key: string, data: Uint8Array): void {
    this.#recent.set(key, data);
    this.#used = true;
    this.#timer ??= setInterval(() => this.#look(), KEPT).unref();
  }

  #leave({ buffer, byteLength }: Uint8Array): void {
    if (byteLength !== BLOCK_SIZE || buffer.byteLength !== BLOCK_SIZE || !(buffer instanceof ArrayBuffer)) return;
    setImmediate(() => {
      if (this.#spare.length < SPARE && this.#timer !== undefined) this.#spare.push(buffer);
    });
  }

  #look(): void {
    if (this.#used) {
      this.#used = false;
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#recent.clear();
    this.#spare.length = 0;
  }
}
