import { createHash } from 'node:crypto';

const BITS = 2 ** 26;

/**
 * Remembers many ids in eight bytes each, by a hash of 52 bits: among a million ids one that is not in the set is taken
 * for one that is with a probability of 2^-32.
 */
export class IdSet {
  #values = new Float64Array(1024);
  #size = 0;
  #isSorted = true;

  add(id: string): void {
    if (this.#size === this.#values.length) {
      const larger = new Float64Array(this.#size * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#size++] = hash(id);
    this.#isSorted = false;
  }

  has(id: string): boolean {
    if (!this.#isSorted) this.#values.subarray(0, this.#size).sort();
    this.#isSorted = true;
    const wanted = hash(id);
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >> 1;
      const value = this.#values[middle] ?? 0;
      if (value === wanted) return true;
      if (value < wanted) low = middle + 1;
      else high = middle;
    }
    return false;
  }
}

function hash(id: string): number {
  const digest = createHash('sha1').update(id).digest();
  return (digest.readUInt32LE(0) % BITS) * BITS + (digest.readUInt32LE(4) % BITS);
}
