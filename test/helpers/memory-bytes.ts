const BLOCK = 1 << 16;

/** Growable, sparse bytes: ranges that were never written read as zeros and take no space. */
export class MemoryBytes {
  #blocks = new Map<number, Uint8Array>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Number of bytes that take space. */
  get allocated(): number {
    let sum = 0;
    for (const block of this.#blocks.values()) sum += block.length;
    return sum;
  }

  read(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.#size - position));
    for (let done = 0; done < count;) {
      const start = (position + done) % BLOCK;
      const length = Math.min(BLOCK - start, count - done);
      const block = this.#blocks.get(Math.floor((position + done) / BLOCK));
      const present = block?.subarray(start, start + length) ?? new Uint8Array(0);
      into.set(present, done);
      into.fill(0, done + present.length, done + length);
      done += length;
    }
    return count;
  }

  write(data: Uint8Array, position: number): void {
    for (let done = 0; done < data.length;) {
      const start = (position + done) % BLOCK;
      const length = Math.min(BLOCK - start, data.length - done);
      this.#block(Math.floor((position + done) / BLOCK), start + length).set(data.subarray(done, done + length), start);
      done += length;
    }
    if (data.length > 0) this.#size = Math.max(this.#size, position + data.length);
  }

  resize(size: number): void {
    if (size < this.#size) {
      const last = Math.floor(size / BLOCK);
      for (const index of this.#blocks.keys()) if (index > last) this.#blocks.delete(index);
      this.#blocks.get(last)?.fill(0, size % BLOCK);
    }
    this.#size = size;
  }

  clone(): MemoryBytes {
    const copy = new MemoryBytes();
    copy.#size = this.#size;
    for (const [index, block] of this.#blocks) copy.#blocks.set(index, block.slice());
    return copy;
  }

  #block(index: number, length: number): Uint8Array {
    const old = this.#blocks.get(index);
    if (old !== undefined && old.length >= length) return old;
    const block = new Uint8Array(Math.min(BLOCK, Math.max(length, 2 * (old?.length ?? 0))));
    if (old !== undefined) block.set(old);
    this.#blocks.set(index, block);
    return block;
  }
}
