/** Bytes of a piece of memory. */
export const PIECE = 64 * 1024;
/** Pieces that are kept while nobody needs them. */
const KEPT = 16;

/**
 * Memory for the text of answers, which goes round: to touch fresh memory for the first time can take longer than what is
 * written into it.
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
