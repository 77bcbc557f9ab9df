import { Bitmap } from '../disk/bitmap.ts';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import type { StagedRecord } from './staged-record.ts';

/**
 * The set of blocks of a copy-on-write file that are in the file itself: those that were added, and all after the part
 * that can still be the base's.
 */
export class OwnBlocks {
  #own: Bitmap;
  #keep: number;

  /** @param whole number of blocks of the base */
  constructor({ own = '', keep }: StagedRecord, whole: number) {
    this.#own = Bitmap.from(own, whole);
    this.#keep = whole;
    this.cut(keep ?? whole);
  }

  /** The set in the form in which it is stored. */
  get record(): { readonly keep: number; readonly own: string } {
    return { keep: this.#keep, own: this.#own.toText() };
  }

  has(index: number): boolean {
    return index >= this.#keep || this.#own.has(index);
  }

  /** Adds a block. False if it was already in the set. */
  add(index: number): boolean {
    return !this.has(index) && this.#own.add(index);
  }

  /** Stops using the base's blocks from `count` on. False if none of them was used. */
  cut(count: number): boolean {
    if (count >= this.#keep) return false;
    for (let index = count; index < this.#keep; index++) this.#own.delete(index);
    this.#keep = count;
    return true;
  }

  /** Empties the set, so that all blocks of a base with `whole` blocks are the base's. */
  clear(whole: number): void {
    this.#keep = whole;
    this.#own = new Bitmap(whole);
  }

  /** The number of blocks that are the base's. */
  get missing(): number {
    return this.#keep - this.#own.count;
  }

  /** The blocks in the set among the first `count`. */
  present(count: number): Bitmap {
    if (this.missing === 0) return Bitmap.full(count);
    const present = new Bitmap(count);
    for (let index = 0; index < count; index++) if (this.has(index)) present.add(index);
    return present;
  }

  /** True if a range of bytes is completely in the file. */
  hasRange(position: number, length: number): boolean {
    for (let index = Math.floor(position / BLOCK_SIZE); index * BLOCK_SIZE < position + length; index++) {
      if (!this.has(index)) return false;
    }
    return true;
  }

  /** The end of the run of blocks from `index` on, up to `end`, that are all in the set or all not. */
  blockRunEnd(index: number, end: number): number {
    const here = this.has(index);
    if (index >= this.#keep) return end;
    let next = index + 1;
    while (next < end && this.has(next) === here) next++;
    return next;
  }

  /** The end of the run of bytes from `start` on, up to `end`, that are all in the file or all not. */
  runEnd(start: number, end: number): number {
    const first = Math.floor(start / BLOCK_SIZE);
    let index = first + 1;
    while (index * BLOCK_SIZE < end && this.has(index) === this.has(first)) index++;
    return Math.min(end, index * BLOCK_SIZE);
  }
}
