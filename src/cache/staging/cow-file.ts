import { fstatSync, ftruncateSync, statSync } from 'node:fs';
import type { Context } from '../../vfs/context.ts';
import type { Bitmap } from '../disk/bitmap.ts';
import { BLOCK_SIZE, blockCount, blockLength } from '../../vfs/block.ts';
import type { DiskSync } from '../../libc/disk-sync.ts';
import {
  SYNC_LIMIT,
  cut,
  orCut,
  readFully,
  readFullyAsync,
  writeFully,
  writeFullyAsync,
  SECTOR,
} from '../disk/file-io.ts';
import type { Extent } from '../../vfs/extent.ts';
import type { Borrowed, FilePool } from '../disk/file-pool.ts';
import { OwnBlocks } from './own-blocks.ts';
import type { StagedBase } from './staged-base.ts';
import type { StagedRecord } from './staged-record.ts';

/** Blocks from `start` up to but not including `end`, which are all data in the file, holes in it, or the base's. */
export interface Stretch {
  readonly kind: 'data' | 'hole' | 'base';
  readonly start: number;
  readonly end: number;
}

export interface CowFileParts {
  readonly path: string;
  readonly pool: FilePool;
  readonly base: StagedBase | undefined;
  readonly record: StagedRecord;
  /** Bytes of the file, if it was created by this process just now. */
  readonly created?: number | undefined;
  /** Writes down which blocks are here; resolves when that survives the death of the process. */
  readonly save: () => Promise<void>;
}

/**
 * A sparse file that is copy on write over a base.
 *
 * A block is *here* if it is in the file: it was written, or it is beyond the base's end or where the base was
 * truncated. Any other block is entirely the base's. A block becomes here by being copied from the base or completely
 * overwritten, and that is saved before any call that depends on it resolves.
 *
 * The owner must ensure that at any time either several calls read, or one call changes it.
 */
export class CowFile {
  readonly #path: string;
  readonly #pool: FilePool;
  readonly #save: () => Promise<void>;
  /** Whether it was written by this process, so that its bytes are in the page cache. */
  #warm = false;
  #base: StagedBase | undefined;
  readonly #own: OwnBlocks;
  #length: number;
  /** Whether the kernel writes to the file, too, so that its size must be read from the disk. */
  #shared = false;
  #file: Borrowed | undefined;

  constructor({ path, pool, base, record, created, save }: CowFileParts) {
    this.#path = path;
    this.#pool = pool;
    this.#save = save;
    this.#base = base;
    this.#own = new OwnBlocks(record, blockCount(base?.size ?? 0));
    if (created !== undefined) this.#file = pool.borrow(path);
    this.#length = created ?? this.#measure(base?.size ?? 0);
    this.#own.cut(blockCount(this.#size));
  }

  get size(): number {
    return this.#size;
  }

  get #size(): number {
    if (this.#shared) this.#length = this.#use((fd) => fstatSync(fd).size);
    return this.#length;
  }

  set #size(size: number) {
    this.#length = size;
  }

  get base(): StagedBase | undefined {
    return this.#base;
  }

  /** The part of the record that lists which blocks are here. */
  get blocks(): { readonly keep: number; readonly own: string } {
    return this.#own.record;
  }

  /** Most bytes that it can take on the disk. */
  get bytes(): number {
    const here = Math.max(0, this.#size - this.#own.missing * BLOCK_SIZE);
    if (here <= BLOCK_SIZE) return here;
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    return Math.min(here, stats === undefined ? here : stats.blocks * SECTOR);
  }

  isHere(index: number): boolean {
    return this.#own.has(index);
  }

  /** Yields the blocks of the file in order, split where their kind changes. */
  *stretches(): Generator<Stretch> {
    const count = blockCount(this.#size);
    for (let start = 0; start < count;) {
      const end = this.#own.blockRunEnd(start, count);
      if (this.#base === undefined || this.isHere(start)) yield* this.#dataAndHoles(start, end);
      else yield { kind: 'base', start, end };
      start = end;
    }
  }

  *#dataAndHoles(start: number, end: number): Generator<Stretch> {
    const file = this.#borrow();
    try {
      let at = start;
      const bytes = { start: start * BLOCK_SIZE, end: Math.min(end * BLOCK_SIZE, this.#size) };
      for (const data of this.#pool.map.data(file.fd, bytes)) {
        const [from, to] = [Math.max(at, Math.floor(data.start / BLOCK_SIZE)), blockCount(data.end)];
        if (from > at) yield { kind: 'hole', start: at, end: from };
        if (to > from) yield { kind: 'data', start: from, end: to };
        at = Math.max(at, to);
      }
      if (end > at) yield { kind: 'hole', start: at, end };
    } finally {
      file.release();
    }
  }

  /** The first stretch of data at a position or behind it. */
  async data(position: number, context: Context): Promise<Extent | undefined> {
    for (let at = position; at < this.#size;) {
      const end = this.#own.runEnd(at, this.#size);
      const isOwn = this.#base === undefined || this.isHere(Math.floor(at / BLOCK_SIZE));
      const found = isOwn ? this.#ownData(at, end) : await this.#base?.data(at, context);
      if (found !== undefined && found.start < end) return { start: found.start, end: Math.min(found.end, end) };
      at = end;
    }
    return undefined;
  }

  #ownData(start: number, end: number): Extent | undefined {
    const file = this.#borrow();
    try {
      const [first] = this.#pool.map.data(file.fd, { start, end });
      return first;
    } finally {
      file.release();
    }
  }

  /** The blocks that are here. */
  present(): Bitmap {
    return this.#own.present(blockCount(this.#size));
  }

  /** Number of bytes that a read at a position returns, given the end of the file. */
  readable(length: number, position: number): number {
    return Math.max(0, Math.min(length, this.#size - position));
  }

  /** Fills `into` synchronously; false if that is not possible. The range must end within the file. */
  readNow(into: Uint8Array, position: number): boolean {
    if (into.length > SYNC_LIMIT || !this.#own.hasRange(position, into.length)) return false;
    this.#use((fd) => readFully(fd, into, position));
    return true;
  }

  /** Fills `into`. The range must end within the file. */
  async read(into: Uint8Array, position: number, context: Context): Promise<void> {
    for (let done = 0; done < into.length;) {
      const start = position + done;
      const end = this.#own.runEnd(start, position + into.length);
      const part = into.subarray(done, done + end - start);
      const here = this.isHere(Math.floor(start / BLOCK_SIZE));
      if (here || this.#base === undefined) await this.readRaw(part, start);
      else await this.#base.read(part, start, context);
      done += end - start;
    }
  }

  /** Reads from the file itself, without the base. */
  async readRaw(into: Uint8Array, position: number): Promise<number> {
    const file = this.#borrow();
    try {
      if (this.#warm && into.length <= SYNC_LIMIT) return readFully(file.fd, into, position);
      return await readFullyAsync(file.fd, into, position);
    } finally {
      file.release();
    }
  }

  /** Writes synchronously; false if that is not possible. @throws what `node:fs` throws */
  writeNow(data: Uint8Array, position: number): boolean {
    this.#warm = true;
    const end = position + data.length;
    const from = Math.min(position, this.#size);
    if (data.length > SYNC_LIMIT || !this.#own.hasRange(this.#edge(from), end - this.#edge(from))) return false;
    const size = this.#size;
    this.#use((fd) => orCut(fd, size, () => writeFully(fd, data, position)));
    this.#size = Math.max(size, end);
    return true;
  }

  /** @throws what reading the base throws, without having changed anything; what `node:fs` throws */
  async write(data: Uint8Array, position: number, context: Context): Promise<void> {
    this.#warm = true;
    const end = position + data.length;
    await this.#bring(this.#edges(position, end), context);
    const file = this.#borrow();
    try {
      if (data.length > SYNC_LIMIT) await writeFullyAsync(file.fd, data, position);
      else writeFully(file.fd, data, position);
    } catch (error) {
      cut(file.fd, this.#length);
      throw error;
    } finally {
      file.release();
    }
    this.#size = Math.max(this.#size, end);
    let added = false;
    for (let index = Math.floor(position / BLOCK_SIZE); index * BLOCK_SIZE < end; index++) {
      added = this.#own.add(index) || added;
    }
    if (added) await this.#save();
  }

  /** @throws as `write` */
  async truncate(size: number, context: Context): Promise<void> {
    const edge = Math.min(size, this.#size);
    if (edge % BLOCK_SIZE !== 0 && size !== this.#size) await this.#bring([Math.floor(edge / BLOCK_SIZE)], context);
    this.truncateNow(size);
    if (this.#own.cut(blockCount(size))) await this.#save();
  }

  /** Truncates a file without a base synchronously. */
  truncateNow(size: number): void {
    this.#use((fd) => ftruncateSync(fd, size));
    this.#size = size;
  }

  /** Syncs its bytes, and those of the base that exist only on this computer. */
  async sync({ file: sync }: DiskSync): Promise<void> {
    await this.#base?.sync();
    const file = this.#borrow();
    try {
      await sync(file.fd);
    } finally {
      file.release();
    }
  }

  /** Changes to another base with the same content. */
  rebase(base: StagedBase): void {
    this.#base?.rest();
    this.#base = base;
  }

  /** Makes all blocks the base's; the file itself is no longer needed. */
  leaveTo(base: StagedBase): void {
    this.rebase(base);
    this.#own.clear(blockCount(base.size));
    this.rest();
  }

  /** Keeps the file open, as its name is about to be removed, until `rest` is called or the result is released. */
  hold(): Borrowed {
    this.#file ??= this.#pool.borrow(this.#path);
    return this.#file;
  }

  /** Releases the descriptor. Reading and writing still work while the file has its name. */
  rest(): void {
    this.#file?.release();
    this.#file = undefined;
    this.#base?.rest();
  }

  /** Borrows the file itself, for the kernel to read and, if so specified, write it. It must have no base. */
  openBacking(how?: 'others write'): Borrowed {
    if (how !== undefined) this.#shared = this.#warm = true;
    return this.hold().share();
  }

  /** Records that the kernel no longer writes to the file. */
  settle(): void {
    this.#length = this.#size;
    this.#shared = false;
  }

  /** Bytes that a write must copy from the base. */
  copied(position: number, length: number): number {
    return this.#edges(position, position + length).length * BLOCK_SIZE;
  }

  /**
   * Blocks that are not here and of which a write keeps a part: those at its ends, and the last one if the file grows.
   */
  #edges(position: number, end: number): number[] {
    const blocks = new Set([Math.floor(position / BLOCK_SIZE), Math.floor((end - 1) / BLOCK_SIZE)]);
    if (end > this.#size && this.#size % BLOCK_SIZE !== 0) blocks.add(Math.floor(this.#size / BLOCK_SIZE));
    const size = Math.max(this.#size, end);
    return [...blocks].filter((index) => {
      const start = index * BLOCK_SIZE;
      return !this.isHere(index) && (start < position || start + blockLength(size, index) > end);
    });
  }

  /** Copies whole blocks from the base and saves that. */
  async #bring(indexes: readonly number[], context: Context): Promise<void> {
    const missing = indexes.filter((index) => !this.isHere(index));
    if (missing.length === 0) return;
    const file = this.#borrow();
    try {
      for (const index of missing) {
        const data = Buffer.allocUnsafeSlow(blockLength(this.#size, index));
        await this.read(data, index * BLOCK_SIZE, context);
        await writeFullyAsync(file.fd, data, index * BLOCK_SIZE);
      }
    } finally {
      file.release();
    }
    for (const index of missing) this.#own.add(index);
    await this.#save();
  }

  /** The first position that a write from `from` on affects: the start of a partial last block. */
  #edge(from: number): number {
    return from === this.#size && from % BLOCK_SIZE !== 0 ? from - 1 : from;
  }

  #use<T>(work: (fd: number) => T): T {
    this.#file ??= this.#pool.borrow(this.#path);
    return work(this.#file.fd);
  }

  /** Borrows the file for asynchronous work, so that `rest` does not close it in the meantime. */
  #borrow(): Borrowed {
    return this.#file?.share() ?? this.#pool.borrow(this.#path);
  }

  /** Measures the file, and truncates growth that was never acknowledged because of a crash. */
  #measure(baseSize: number): number {
    const size = this.#use((fd) => fstatSync(fd).size);
    const last = blockCount(baseSize) - 1;
    const whole = baseSize % BLOCK_SIZE === 0 || this.isHere(last);
    if (whole || size <= baseSize) return size;
    this.#use((fd) => ftruncateSync(fd, baseSize));
    return baseSize;
  }
}
