import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES } from '../limits.ts';
import { HEAD } from './frames.ts';

/** Bytes of the largest body. */
const SIZE = MAX_BATCH_BYTES + MAX_BATCH_BLOCKS * HEAD;
/** Bodies from this size on are worth it, bytes. */
const LARGE = 256 * 1024;
/** Bodies whose memory is kept for others. */
const SPARE = 4;
/** All of it is freed when none was taken for so long, ms. */
const KEPT = 3000;

/**
 * Memory for the bodies of uploads, to be used again: fresh memory for each makes V8 collect its whole heap every few bodies
 * (docs/decisions/048).
 */
export class BodyMemory {
  readonly #spare: Buffer[] = [];
  #used = false;
  #timer: NodeJS.Timeout | undefined;

  /** So many bytes that may hold anything. If they are never given back, they are garbage like any others. */
  take(length: number): Buffer {
    if (length < LARGE || length > SIZE) return Buffer.allocUnsafeSlow(length);
    this.#used = true;
    this.#timer ??= setInterval(() => this.#look(), KEPT).unref();
    return (this.#spare.pop() ?? Buffer.allocUnsafeSlow(SIZE)).subarray(0, length);
  }

  /** Takes a body back, which nothing reads any more. */
  give({ buffer }: Buffer): void {
    if (buffer.byteLength === SIZE && this.#spare.length < SPARE && this.#timer !== undefined) {
      this.#spare.push(Buffer.from(buffer));
    }
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
