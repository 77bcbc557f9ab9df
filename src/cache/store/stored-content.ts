import { fstatSync, ftruncateSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Bitmap } from '../disk/bitmap.ts';
import { BLOCK_SIZE, type BlockFile, blockCount, blockLength, isZeros } from '../../vfs/block.ts';
import { readFully, readFullyAsync, writeFullyAsync, SECTOR } from '../disk/file-io.ts';
import type { Extent } from '../../vfs/extent.ts';
import type { Borrowed, FilePool } from '../disk/file-pool.ts';

/** The record of a content in LevelDB; the key is its hash. */
export interface StoreRecord {
  readonly size: number;
  /** Last use, ms since 1970. */
  readonly used: number;
  /** The blocks that are present, base64; absent if all are. */
  readonly bits?: string;
  /** Bytes of present blocks that take no space on the disk; absent if there are none. */
  readonly holes?: number;
}

/** A place for one block in a content's file. */
export interface BlockPlace extends BlockFile {
  /** False if the content has another file by now. */
  isCurrent(): boolean;
  /** The block was written there, and is as it should be. Returns the bytes that it takes; undefined if it was present. */
  arrived(): number | undefined;
}

/**
 * The sparse file of a content and the state of its blocks. *Present* blocks were written (the bit is set after the
 * data, and is stored in the record); *ready* ones have also been checked against their digests by this process.
 */
export class StoredContent {
  readonly hash: string;
  readonly size: number;
  readonly path: string;
  /** ms since 1970. */
  used: number;
  /** Number of readers and fetches that use it. It is not evicted while there are any. */
  users = 0;
  /** Whether it is to be removed with its last user. */
  doomed = false;
  present: Bitmap;
  /** Bytes of present blocks that take no space. */
  #holes: number;
  #ready: Bitmap;
  readonly #pool: FilePool;
  #file: Borrowed | undefined;
  /** Counts replacements of the file. A write to a file that was replaced in the meantime must be repeated. */
  #generation = 0;

  constructor(hash: string, path: string, record: StoreRecord, pool: FilePool) {
    this.hash = hash;
    this.size = record.size;
    this.path = path;
    this.used = record.used;
    this.#pool = pool;
    const count = blockCount(record.size);
    this.present = record.bits === undefined ? Bitmap.full(count) : Bitmap.from(record.bits, count);
    this.#holes = record.holes ?? 0;
    this.#ready = new Bitmap(count);
  }

  get record(): StoreRecord {
    const { size, used, present } = this;
    const bits = present.isFull ? {} : { bits: present.toText() };
    return { size, used, ...bits, ...(this.#holes === 0 ? {} : { holes: this.#holes }) };
  }

  /** Bytes on the disk of the present blocks. */
  get bytes(): number {
    return this.covered - this.#holes;
  }

  /** Bytes of the present blocks, holes included. */
  get covered(): number {
    const last = this.present.length - 1;
    const missing = this.present.has(last) ? BLOCK_SIZE - blockLength(this.size, last) : 0;
    return this.present.count * BLOCK_SIZE - missing;
  }

  isReady(index: number): boolean {
    return this.#ready.has(index);
  }

  markReady(index: number): void {
    this.#ready.add(index);
  }

  /** Records that a block is missing or wrong. Returns the number of bytes lost. */
  lose(index: number): number {
    const before = this.bytes;
    this.present.delete(index);
    this.#ready.delete(index);
    this.#holes = Math.min(this.#holes, this.covered);
    return before - this.bytes;
  }

  /**
   * Records that the file was replaced by one with these blocks, all of them verified. With `holes` it may be sparse.
   */
  replace(present: Bitmap, { holes = false } = {}): void {
    this.release();
    this.#pool.forget(this.path);
    this.#generation++;
    this.present = present;
    this.#ready = present.isFull ? Bitmap.full(present.length) : new Bitmap(present.length);
    for (let index = 0; index < present.length && !this.#ready.isFull; index++) {
      if (present.has(index)) this.#ready.add(index);
    }
    this.#holes = holes ? Math.max(0, this.covered - statSync(this.path).blocks * SECTOR) : 0;
  }

  /** Reads from ready blocks synchronously. @throws what `node:fs` throws; an `Error` if the file is too short */
  read(into: Uint8Array, position: number): void {
    if (readFully(this.#fd(), into, position) < into.length) throw new Error('the cached file is too short');
  }

  async readAsync(into: Uint8Array, position: number): Promise<void> {
    const file = this.#pool.borrow(this.path);
    try {
      if ((await readFullyAsync(file.fd, into, position)) < into.length)
        throw new Error('the cached file is too short');
    } finally {
      file.release();
    }
  }

  /**
   * Writes a verified block; one of zeros stays a hole. Resolves to the bytes that it takes on the disk, or to
   * `undefined` if it was already present. @throws what `node:fs` throws
   */
  async write(index: number, data: Uint8Array): Promise<number | undefined> {
    let taken = 0;
    for (let target = -1; target !== this.#generation;) {
      target = this.#generation;
      const file = this.#create();
      try {
        taken = this.#leaveHole(file.fd, index, data) ? 0 : data.length;
        if (taken > 0) await writeFullyAsync(file.fd, data, index * BLOCK_SIZE);
      } finally {
        file.release();
      }
    }
    return this.#arrived(index, data.length, taken);
  }

  /** Where others may write a block. @throws what `node:fs` throws */
  place(index: number): BlockPlace {
    const file = this.#create();
    const generation = this.#generation;
    const length = blockLength(this.size, index);
    return {
      fd: file.fd,
      position: index * BLOCK_SIZE,
      release: () => file.release(),
      isCurrent: () => generation === this.#generation,
      arrived: () => this.#arrived(index, length, length),
    };
  }

  /** A block is in the file and as it should be. Returns the bytes that it takes; undefined if it was present. */
  #arrived(index: number, length: number, taken: number): number | undefined {
    this.#ready.add(index);
    if (!this.present.add(index)) return undefined;
    this.#holes += length - taken;
    return taken;
  }

  /** Represents a block of zeros as a hole, by extending the file if necessary; false if the block must be written. */
  #leaveHole(fd: number, index: number, data: Uint8Array): boolean {
    if (!isZeros(data)) return false;
    const start = index * BLOCK_SIZE;
    const end = start + data.length;
    const { size } = fstatSync(fd);
    for (const _data of this.#pool.map.data(fd, { start, end: Math.min(end, size) })) return false;
    if (size < end) ftruncateSync(fd, end);
    return true;
  }

  /** Bytes of the content's holes that are here. */
  get holes(): number {
    return this.#holes;
  }

  /** The first stretch of data in a part of the file whose blocks are present. */
  data(range: Extent): Extent | undefined {
    const file = this.#pool.borrow(this.path);
    try {
      const [first] = this.#pool.map.data(file.fd, range);
      return first;
    } finally {
      file.release();
    }
  }

  /** The file, if all blocks are ready. */
  openBacking(): Borrowed | undefined {
    if (!this.present.isFull || !this.#ready.isFull || this.size === 0) return undefined;
    this.#fd();
    return this.#file?.share();
  }

  /** Releases the descriptor; the next read opens the file again. */
  release(): void {
    this.#file?.release();
    this.#file = undefined;
  }

  #fd(): number {
    this.#file ??= this.#pool.borrow(this.path);
    return this.#file.fd;
  }

  #create(): Borrowed {
    try {
      return this.#pool.borrow(this.path, { create: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      mkdirSync(dirname(this.path), { recursive: true });
      return this.#pool.borrow(this.path, { create: true });
    }
  }
}
