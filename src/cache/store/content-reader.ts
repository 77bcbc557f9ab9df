import type { Awaitable, Context } from '../../vfs/context.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import type { BlockLoader } from './block-loader.ts';
import type { Content, ContentReader } from '../content/content.ts';
import type { Extent } from '../../vfs/extent.ts';
import { SYNC_LIMIT } from '../disk/file-io.ts';
import type { Borrowed } from '../disk/file-pool.ts';
import { ReadAhead } from './read-ahead.ts';
import type { StoredContent } from './stored-content.ts';

/** Reads a content: ready blocks from the disk, the others through the loader. */
export class StoreReader implements ContentReader {
  readonly content: Content;
  readonly #stored: StoredContent;
  readonly #loader: BlockLoader;
  readonly #ahead: ReadAhead;
  readonly #release: () => void;
  #closed = false;

  constructor(content: Content, stored: StoredContent, loader: BlockLoader, release: () => void) {
    this.content = content;
    this.#stored = stored;
    this.#loader = loader;
    this.#ahead = new ReadAhead(content, stored, loader);
    this.#release = release;
  }

  get size(): number {
    return this.#stored.size;
  }

  get complete(): boolean {
    return this.#stored.present.isFull;
  }

  openBacking(): Borrowed | undefined {
    return this.#closed ? undefined : this.#stored.openBacking();
  }

  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    if (this.#closed) throw new FsError('EBADF', 'read', { subject: this.content.version });
    const length = Math.max(0, Math.min(into.length, this.size - position));
    if (length === 0) return 0;
    const first = Math.floor(position / BLOCK_SIZE);
    const last = Math.floor((position + length - 1) / BLOCK_SIZE);
    this.#ahead.advance(first, last);
    const target = into.subarray(0, length);
    if (this.#readRecent(target, position, first, last)) return length;
    if (length <= SYNC_LIMIT && this.#readNow(target, position, first, last)) return length;
    return this.#readParts(target, position, first, last, context);
  }

  async data(position: number, context: Context): Promise<Extent | undefined> {
    const { present } = this.#stored;
    for (let at = position; at < this.size;) {
      const index = Math.floor(at / BLOCK_SIZE);
      const isHere = present.has(index);
      const same = isHere ? undefined : await this.#loader.zeros(this.content, index, context);
      let next = index + 1;
      while (next < (same?.end ?? present.length) && present.has(next) === isHere) next++;
      const end = Math.min(this.size, next * BLOCK_SIZE);
      const found = isHere ? this.#stored.data({ start: at, end }) : { start: at, end };
      if (found !== undefined && same?.zeros !== true) return found;
      at = end;
    }
    return undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ahead.stop();
    this.#release();
  }

  #readRecent(into: Uint8Array, position: number, first: number, last: number): boolean {
    const blocks: Uint8Array[] = [];
    for (let index = first; index <= last; index++) {
      const block = this.#loader.recent(this.#stored, index);
      if (block === undefined) return false;
      blocks.push(block);
    }
    for (let done = 0, index = first; index <= last; index++) {
      const start = position + done - index * BLOCK_SIZE;
      const part = (blocks[index - first] as Uint8Array).subarray(start, start + into.length - done);
      into.set(part, done);
      done += part.length;
    }
    return true;
  }

  #readNow(into: Uint8Array, position: number, first: number, last: number): boolean {
    for (let index = first; index <= last; index++) if (!this.#stored.isReady(index)) return false;
    try {
      this.#stored.read(into, position);
      return true;
    } catch {
      return false;
    }
  }

  async #readParts(into: Uint8Array, position: number, first: number, last: number, context: Context): Promise<number> {
    const parts: Promise<void>[] = [];
    for (let index = first; index <= last; index++) {
      const start = Math.max(position, index * BLOCK_SIZE);
      const end = Math.min(position + into.length, (index + 1) * BLOCK_SIZE);
      parts.push(this.#readPart(into.subarray(start - position, end - position), start, index, context));
    }
    // The caller may reuse its buffer once this rejects, so no part may still be writing to it.
    const failed = (await Promise.allSettled(parts)).find((part) => part.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return into.length;
  }

  /** False if it cannot be read: the loader finds out what is wrong with the block and gets it again. */
  async #readReady(into: Uint8Array, position: number): Promise<boolean> {
    try {
      if (into.length <= SYNC_LIMIT) this.#stored.read(into, position);
      else await this.#stored.readAsync(into, position);
      return true;
    } catch {
      return false;
    }
  }

  async #readPart(into: Uint8Array, position: number, index: number, { signal }: Context): Promise<void> {
    const stored = this.#stored;
    let data: Uint8Array | undefined;
    while (data === undefined) {
      if (stored.isReady(index) && (await this.#readReady(into, position))) return;
      const waiting = this.#loader.load(stored, this.content, index).wait(signal, 'read');
      this.#loader.hurry();
      data = await waiting;
    }
    const start = position - index * BLOCK_SIZE;
    into.set(data.subarray(start, start + into.length));
  }
}
