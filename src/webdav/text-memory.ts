/** Size of a buffer in bytes. */
export const PIECE = 64 * 1024;
/** Number of unused buffers that are kept. */
const KEPT = 16;

/**
 * A pool of buffers for the text of responses. Touching fresh memory for the first time can take longer than writing
 * the text.
 */
export class TextMemory {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(PIECE);
  }

  giveBack(piece: Buffer): void {
    if (this.#free.length < KEPT) this.#free.push(piece);
  }
}
