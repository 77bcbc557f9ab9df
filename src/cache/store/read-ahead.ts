import { blockCount } from '../../vfs/block.ts';
import type { BlockLoader } from './block-loader.ts';
import type { Content } from '../content/content.ts';
import type { StoredContent } from './stored-content.ts';

/** First window, in blocks. */
const FIRST_WINDOW = 2;
const MAX_WINDOW = 32;
/**
 * Largest window for blocks that are on the disk, which need no round trip but must be checked against their digests in
 * time.
 */
const MAX_CHECKED = 8;

/**
 * The read-ahead window of a reader. Nothing is read ahead at its first block. Each step to the following block doubles
 * the window, and a jump closes it. New blocks are requested when half of the window is used up, so that they share
 * requests.
 */
export class ReadAhead {
  readonly #content: Content;
  readonly #stored: StoredContent;
  readonly #loader: BlockLoader;
  readonly #wanted: { readonly index: number; readonly leave: () => void }[] = [];
  readonly #count: number;
  #window = 0;
  #current = -1;
  /** The first block that has not been requested. */
  #frontier = 0;

  constructor(content: Content, stored: StoredContent, loader: BlockLoader) {
    this.#content = content;
    this.#stored = stored;
    this.#loader = loader;
    this.#count = blockCount(content.size);
  }

  /** To be called when blocks `first` to `last` are being read. */
  advance(first: number, last: number): void {
    // With the kernel's own read-ahead, another thread's request may be a block behind.
    const near = first >= this.#current - 1 && first <= this.#current + 1;
    if (!near && this.#current >= 0) this.#jump();
    if (last <= this.#current && near) return;
    if (near && last > 0) this.#window = Math.min(MAX_WINDOW, Math.max(FIRST_WINDOW, this.#window * 2));
    this.#current = last;
    this.#frontier = Math.max(this.#frontier, last + 1);
    this.#want();
  }

  /** Gives up the requested blocks. */
  stop(): void {
    for (const { leave } of this.#wanted.splice(0)) leave();
  }

  #jump(): void {
    this.stop();
    this.#window = 0;
    this.#frontier = 0;
  }

  #want(): void {
    const passed = this.#wanted.findIndex(({ index }) => index > this.#current);
    for (const { leave } of this.#wanted.splice(0, passed < 0 ? this.#wanted.length : passed)) leave();
    if (this.#frontier - this.#current - 1 > this.#window / 2) return;
    const end = Math.min(this.#count, this.#current + 1 + this.#window);
    for (; this.#frontier < end; this.#frontier++) {
      const index = this.#frontier;
      if (this.#stored.isReady(index)) continue;
      if (this.#stored.present.has(index) && index > this.#current + MAX_CHECKED) return;
      this.#wanted.push({ index, leave: this.#loader.load(this.#stored, this.#content, index).join() });
    }
  }
}
