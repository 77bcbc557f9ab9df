/** A set of block numbers below `length`. */
export class Bitmap {
  readonly #bits: Uint8Array;
  readonly length: number;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.#bits = new Uint8Array((length + 7) >> 3);
  }

  static full(length: number): Bitmap {
    const bitmap = new Bitmap(length);
    for (let index = 0; index < length; index++) bitmap.add(index);
    return bitmap;
  }

  /** From `toText`. What does not fit `length` is left out. */
  static from(text: string, length: number): Bitmap {
    const bitmap = new Bitmap(length);
    const bits = Buffer.from(text, 'base64');
    for (let index = 0; index < length; index++) {
      if (((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0) bitmap.add(index);
    }
    return bitmap;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.length;
  }

  has(index: number): boolean {
    return ((this.#bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /** True if it was not there. */
  add(index: number): boolean {
    if (index >= this.length || this.has(index)) return false;
    this.#bits[index >> 3]! |= 1 << (index & 7);
    this.#count++;
    return true;
  }

  /** True if it was there. */
  delete(index: number): boolean {
    if (!this.has(index)) return false;
    this.#bits[index >> 3]! &= ~(1 << (index & 7));
    this.#count--;
    return true;
  }

  /** base64 */
  toText(): string {
    return Buffer.from(this.#bits).toString('base64');
  }
}
