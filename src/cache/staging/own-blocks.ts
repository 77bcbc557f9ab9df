import { Bitmap } from '../disk/bitmap.ts';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import type { StagedRecord } from './staged-record.ts';

/**
 * Which blocks of a copy-on-write file are in the file itself: those that came to it, and all behind the part that is still
 * the base's.
 */
export class OwnBlocks {
  #own: Bitmap;
  #keep: number;

  /** `whole`: blocks of the base. */
  constructor({ own = '', keep }: StagedRecord, whole: number) {
    this.#own = Bitmap.from(own, whole);
    this.#keep = whole;
    this.cut(keep ?? whole);
  }

  /** As it is written down. */
  get record(): { readonly keep: number; readonly own: string } {
    return { keep: this.#keep, own: this.#own.toText() };
  }

  has(index: number): boolean {
    return index >= this.#keep || this.#own.has(index);
  }

  /** False if it was here. */
  add(index: number): boolean {
    return !this.has(index) && this.#own.add(index);
  }

  /** No block of the base from `count` on is used any more; false if none was. */
  cut(count: number): boolean {
    if (count >= this.#keep) return false;
    for (let index = count; index < this.#keep; index++) this.#own.delete(index);
    this.#keep = count;
    return true;
  }

  /** All blocks of a base of `whole` are the base's. */
  clear(whole: number): void {
    this.#keep = whole;
    this.#own = new Bitmap(whole);
  }

  /** How many are not here. */
  get missing(): number {
    return this.#keep - this.#own.count;
  }

  /** Those here among the first `count`. */
  present(count: number): Bitmap {
    if (this.missing === 0) return Bitmap.full(count);
    const present = new Bitmap(count);
    for (let index = 0; index < count; index++) if (this.has(index)) present.add(index);
    return present;
  }

  /** True if all of a range of bytes is here. */
  hasRange(position: number, length: number): boolean {
    for (let index = Math.floor(position / BLOCK_SIZE); index * BLOCK_SIZE < position + length; index++) {
      if (!this.has(index)) return false;
    }
    return true;
  }

  /** The end of the blocks from `index` on, `end` at most, that are all here or all not. */
  blockRunEnd(index: number, end: number): number {
    const here = this.has(index);
    if (index >= this.#keep) return end;
    let next = index + 1;
    while (next < end && this.has(next) === here) next++;
    return next;
  }

  /** The end of the bytes from `start` on that are all here or all not, `end` at most. */
  runEnd(start: number, end: number): number {
    const first = Math.floor(start / BLOCK_SIZE);
    let index = first + 1;
    while (index * BLOCK_SIZE < end && this.has(index) === this.has(first)) index++;
    return Math.min(end, index * BLOCK_SIZE);
  }
}
