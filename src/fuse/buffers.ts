/** Number of unused buffers that are kept. */
const KEPT = 8;

/** A pool of buffers of one size, because allocating megabytes for every request is expensive. */
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
