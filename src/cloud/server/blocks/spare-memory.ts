import { BLOCK_SIZE } from '../../../vfs/block.ts';

/** Blocks whose memory is kept for others. */
const SPARE = 16;
/** All of it is freed when none was taken for so long, ms. */
const KEPT = 3000;

/**
 * Memory for blocks, to be used again: fresh memory for each block makes V8 collect its whole heap every few dozen blocks, which
 * cost more than reading, hashing and sending them (docs/decisions/048).
 */
export class SpareMemory {
  readonly #spare: Uint8Array[] = [];
  /** What was taken and not given back; nothing else is accepted. */
  readonly #taken = new WeakMap<ArrayBufferLike, Uint8Array>();
  #used = false;
  #timer: NodeJS.Timeout | undefined;

  /** `BLOCK_SIZE` bytes that may hold anything. If they are never given back, they are garbage like any others. */
  take(): Uint8Array {
    const data = this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_SIZE);
    this.#taken.set(data.buffer, data);
    this.#used = true;
    this.#timer ??= setInterval(() => this.#look(), KEPT).unref();
    return data;
  }

  /** Takes memory back from which `part` is; ignores what is not from here, or was given back before. */
  give({ buffer }: Uint8Array): void {
    const data = this.#taken.get(buffer);
    if (data === undefined) return;
    this.#taken.delete(buffer);
    if (this.#spare.length < SPARE && this.#timer !== undefined) this.#spare.push(data);
  }

  #look(): void {
    if (this.#used) {
      this.#used = false;
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#spare.length = 0;
  }
}
