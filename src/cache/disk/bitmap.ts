import { deflateRawSync, inflateRawSync } from 'node:zlib';

/**
 * Size in bytes from which the text is compressed. Large files typically have few blocks, or lack few, which compresses
 * well.
 */
const LARGE = 1024;
/** First character of a compressed text; it does not occur in base64. */
const COMPRESSED = '~';

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
    bitmap.#bits.fill(0xff);
    if (length % 8 !== 0) bitmap.#bits[length >> 3] = (1 << (length & 7)) - 1;
    bitmap.#count = length;
    return bitmap;
  }

  /** Parses the output of `toText`. Numbers beyond `length` are dropped. */
  static from(text: string, length: number): Bitmap {
    const bitmap = new Bitmap(length);
    const bits = bitsOf(text);
    for (let index = 0; index < length; index++) {
      if (((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0) bitmap.add(index);
    }
    return bitmap;
  }

  /** The size of the set. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.length;
  }

  has(index: number): boolean {
    return ((this.#bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /** Adds a number. True if it was not in the set. */
  add(index: number): boolean {
    if (index >= this.length || this.has(index)) return false;
    this.#bits[index >> 3]! |= 1 << (index & 7);
    this.#count++;
    return true;
  }

  /** Removes a number. True if it was in the set. */
  delete(index: number): boolean {
    if (!this.has(index)) return false;
    this.#bits[index >> 3]! &= ~(1 << (index & 7));
    this.#count--;
    return true;
  }

  /** The set as base64, compressed if it is large. */
  toText(): string {
    if (this.#bits.length < LARGE) return Buffer.from(this.#bits).toString('base64');
    return COMPRESSED + deflateRawSync(this.#bits, { level: 1 }).toString('base64');
  }
}

function bitsOf(text: string): Uint8Array {
  return text.startsWith(COMPRESSED)
    ? inflateRawSync(Buffer.from(text.slice(1), 'base64'))
    : Buffer.from(text, 'base64');
}
