import { LRUCache } from 'lru-cache';
import { BLOCK_SIZE } from '../../vfs/block.ts';

/** Bytes of the blocks that came last: as far as one reader reads ahead. */
const RECENT = 32 * BLOCK_SIZE;
/** Blocks whose memory waits for others. */
const SPARE = 16;
/** All of it goes when nothing has come for so long, ms. */
const KEPT = 3000;

/**
 * The blocks that have come last, for who reads them soon, and memory for the next: what one block leaves another gets, as
 * fresh memory for each costs the collector more than all else that is done with a block.
 *
 * Whoever gets a block from here has copied what it needs when its turn of the event loop ends.
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

  /** Memory of its own for so many bytes, which may hold anything. */
  readonly take = (length: number): Uint8Array<ArrayBuffer> => {
    const spare = length === BLOCK_SIZE ? this.#spare.pop() : undefined;
    return new Uint8Array(spare ?? Buffer.allocUnsafeSlow(length).buffer);
  };

  get(key: string): Uint8Array | undefined {
    return this.#recent.get(key);
  }

  /** Takes over a block, its memory included, which nobody else uses after this turn of the event loop. */
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
