/** How many unused buffers are kept. */
const KEPT = 8;

/** Buffers of one size that are used again and again, because megabytes are costly to allocate for every request. */
export class Buffers {
  readonly #size: number;
  readonly #free: Buffer[] = [];

  /** @param size Bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  give(buffer: Buffer): void {
    if (this.#free.length < KEPT) this.#free.push(buffer);
  }
}
