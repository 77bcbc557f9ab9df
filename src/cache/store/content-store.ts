import { heldBlocks, type HeldBlock } from './held-blocks.ts';
import type { DigestList } from '../../vfs/digest-list.ts';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../vfs/context.ts';
import { Bitmap } from '../disk/bitmap.ts';
import { blockCount, contentHash } from '../../vfs/block.ts';
import { BlockLoader } from './block-loader.ts';
import { StoreReader } from './content-reader.ts';
import type { BlockSource, Content, ContentReader, ContentStore } from '../content/content.ts';
import type { Database } from '../db/database.ts';
import { DiskSpace } from '../disk/disk-space.ts';
import { FilePool } from '../disk/file-pool.ts';
import type { GroupWriter, Op } from '../db/group-writer.ts';
import { Manifests } from '../content/manifests.ts';
import { StoreIndex } from './store-index.ts';
import { scanStore } from './store-scan.ts';
import { type AdoptedFile, adoptFile } from './store-adopt.ts';
import type { StoreRecord } from './stored-content.ts';
import { Table } from '../db/table.ts';

export interface DiskContentStoreOptions {
  /** Contains `store/` and `staging/`; files move between them by link and rename. */
  readonly dir: string;
  readonly db: Database;
  readonly writer: GroupWriter;
  readonly source: BlockSource;
  /** Most bytes of content. */
  readonly maxBytes: number;
  /** Bytes that the cache leaves free on its disk. */
  readonly minFree: number;
  readonly space?: DiskSpace;
  /** ms since 1970 */
  readonly now?: () => number;
}

/** Most prefetched blocks in progress. Further prefetches are dropped, as no reader waits for them. */
const MAX_PREFETCH = 2000;
/** Blocks of one content that are fetched at a time without a reader: those of two requests. */
const FETCHED_AT_ONCE = 16;
/** Rows read at a time. */
const PAGE = 10_000;

/**
 * Implements `ContentStore` on a folder of sparse files, `store/aa/<hash>`, with records and manifests in LevelDB.
 *
 * A set bit means that the data was written before the bit. Each block is checked against its digest when it arrives,
 * and again when a process reads it for the first time, to find out whether it survived. A block that does not match is
 * fetched again.
 */
export class DiskContentStore implements ContentStore {
  readonly dir: string;
  readonly space: DiskSpace;
  readonly pool: FilePool;
  readonly #limit: number;
  readonly #life = new AbortController();
  readonly #writer: GroupWriter;
  readonly #records: Table<StoreRecord>;
  readonly #pins: Table<string>;
  readonly #kept: Table<string>;
  readonly #manifests: Manifests;
  readonly #index: StoreIndex;
  readonly #loader: BlockLoader;
  #prefetching = 0;
  #scan: Promise<void> = Promise.resolve();

  private constructor(options: DiskContentStoreOptions, tables: Tables) {
    const { dir, writer, source, maxBytes, minFree, space = DiskSpace.of(dir), now = Date.now } = options;
    this.dir = dir;
    this.space = space;
    this.pool = new FilePool();
    this.#limit = maxBytes;
    this.#writer = writer;
    this.#records = tables.records;
    this.#pins = tables.pins;
    this.#kept = tables.kept;
    const { signal } = this.#life;
    this.#manifests = new Manifests(tables.manifests, source, { signal }, (ops) => this.#write(ops));
    const forget = (hash: string): Op[] => [this.#manifests.del(hash)];
    const { records } = tables;
    const { pool } = this;
    this.#index = new StoreIndex({ dir, records, writer, pool, space, maxBytes, minFree, now, forget });
    this.#loader = new BlockLoader(this.#index, this.#manifests, source, signal);
  }

  /** Opens the store without reading its files; they are scanned in the background. */
  static async open(options: DiskContentStoreOptions): Promise<DiskContentStore> {
    mkdirSync(join(options.dir, 'store'), { recursive: true });
    mkdirSync(join(options.dir, 'trash'), { recursive: true });
    const { db, writer } = options;
    const tables = {
      records: new Table<StoreRecord>('store', await db.rows('store'), writer, 4 << 20),
      manifests: new Table<string>('manifests', await db.rows('manifests'), writer, 1 << 20),
      pins: new Table<string>('pins', await db.rows('pins'), writer, 1 << 20),
      kept: new Table<string>('kept', await db.rows('kept'), writer, 1),
    };
    const store = new DiskContentStore(options, tables);
    for (const [hash] of await tables.pins.range({ gt: '', lt: 'g', limit: 1e6 })) store.#index.pin(hash);
    store.#scan = store.#startScan();
    return store;
  }

  open(content: Content): ContentReader {
    const stored = this.#index.acquire(content.hash, content.size);
    return new StoreReader(content, stored, this.#loader, () => this.#index.release(stored));
  }

  has(hash: string): boolean {
    return hash === EMPTY || this.#index.isComplete(hash);
  }

  allocated(hash: string, size: number): number {
    return size - this.#index.holes(hash);
  }

  held(digests: ReadonlySet<string>, context: Context): AsyncIterable<HeldBlock> {
    return heldBlocks(this.#index, this.#manifests, digests, context);
  }

  prefetch(contents: readonly Content[]): void {
    for (const content of contents) {
      if (this.has(content.hash)) continue;
      const stored = this.#index.acquire(content.hash, content.size);
      for (let index = 0; index < blockCount(content.size) && this.#prefetching < MAX_PREFETCH; index++) {
        if (stored.present.has(index)) continue;
        this.#prefetching++;
        const flight = this.#loader.load(stored, content, index);
        flight.onSettled(() => this.#prefetching--);
      }
      this.#index.release(stored);
    }
  }

  async fetch(content: Content, { signal }: Context): Promise<boolean> {
    const stored = this.#index.acquire(content.hash, content.size);
    const count = blockCount(content.size);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) {
        const isHere = await this.#loader.fetch(stored, content, next++, signal);
        if (!isHere) next = count;
      }
    };
    try {
      const lanes = Array.from({ length: Math.min(FETCHED_AT_ONCE, count) }, lane);
      await Promise.all(lanes).catch(async (error: unknown) => {
        next = count;
        await Promise.allSettled(lanes);
        throw error;
      });
      return stored.present.isFull;
    } finally {
      this.#index.release(stored);
    }
  }

  async free(hash: string): Promise<number> {
    return hash === EMPTY ? 0 : await this.#index.free(hash);
  }

  cachedBytes(hash: string): number {
    return this.#index.covered(hash);
  }

  keep(hash: string, round: number): boolean {
    if (hash !== EMPTY && !this.#index.isKept(hash)) this.#write([this.#kept.put(hash, '')]);
    return this.#index.keep(hash, round);
  }

  keepOnly(round: number): void {
    for (const hash of this.#index.keptBefore(round)) this.#unkeep(hash);
  }

  fits(bytes: number): boolean {
    return this.#index.fits(bytes);
  }

  async drop(hash: string): Promise<void> {
    this.unpin(hash);
    this.#unkeep(hash);
    await this.#index.drop(hash);
  }

  pin(hash: string): void {
    this.#index.pin(hash);
    if (this.#pins.get(hash) === undefined) this.#write([this.#pins.put(hash, '')]);
  }

  unpin(hash: string): void {
    this.#index.unpin(hash);
    if (this.#pins.get(hash) !== undefined) this.#write([this.#pins.del(hash)]);
  }

  share(hash: string): void {
    this.#index.share(hash);
  }

  supersede(hash: string): void {
    if (hash !== EMPTY) this.#index.supersede(hash);
  }

  isPinned(hash: string): boolean {
    return this.#index.isPinned(hash);
  }

  usage(): { readonly bytes: number; readonly limit: number; readonly entries: number } {
    return { bytes: this.#index.bytes, limit: this.#limit, entries: this.#index.entries };
  }

  #unkeep(hash: string): void {
    if (!this.#index.isKept(hash)) return;
    this.#index.unkeep(hash);
    this.#write([this.#kept.del(hash)]);
  }

  /** The digests of a content, from the disk or the source. @throws what the source throws; EINTR when aborted */
  manifest(content: Content, context: Context): Promise<DigestList> {
    return this.#manifests.get(content, context);
  }

  /** Evicts until this number of bytes is free on the disk; false if that is not possible. */
  clear(bytes: number): Promise<boolean> {
    return this.#index.clear(bytes);
  }

  /** Adopts a file as the content with this hash. `ops` are written in the same batch as the record. */
  async adopt(content: Content, file: AdoptedFile, ops: readonly Op[]): Promise<void> {
    const stored = this.#index.acquire(content.hash, content.size);
    try {
      this.#index.revive(content.hash);
      this.#index.changed(stored, await adoptFile(stored, file, this.pool));
      const own = content.size === 0 ? [] : [this.#index.save(stored), ...this.#manifests.keep(content, file.digests)];
      await this.#writer.write([...own, ...ops]);
    } finally {
      this.#index.release(stored);
    }
    await this.#index.trim();
  }

  /** Moves the file of a complete content to a path and forgets the content; false if it is in use or pinned. */
  giveUp({ hash, size }: Content, path: string): boolean {
    const stored = this.#index.acquire(hash, size);
    try {
      // Two users are permitted, as the caller may have it open, too.
      if (!stored.present.isFull || stored.users > 2 || this.#index.isPinned(hash)) return false;
      renameSync(stored.path, path);
      const { bytes } = stored;
      stored.replace(new Bitmap(blockCount(size)));
      this.#index.changed(stored, -bytes);
      return true;
    } catch {
      return false;
    } finally {
      this.#index.release(stored);
    }
  }

  /** Resolves when the scan of the disk has ended. */
  settled(): Promise<void> {
    return this.#scan;
  }

  /** Ends fetches, writes changed records and closes files. Idempotent. */
  async close(): Promise<void> {
    this.#life.abort();
    await this.#scan;
    await this.#index.flush();
    this.pool.close();
  }

  async #startScan(): Promise<void> {
    const { signal } = this.#life;
    try {
      await this.#readKept();
      await scanStore({ dir: this.dir, records: this.#records, writer: this.#writer, index: this.#index, signal });
    } catch {
      // Only the order of eviction is incomplete until the next start.
    }
  }

  /** Before the scan, which finds what could be evicted. */
  async #readKept(): Promise<void> {
    for (let gt = ''; !this.#life.signal.aborted;) {
      const page = await this.#kept.range({ gt, lt: 'g', limit: PAGE });
      for (const [hash] of page) if (!this.#index.isKept(hash)) this.#index.keep(hash, 0);
      gt = page.at(-1)?.[0] ?? '';
      if (page.length < PAGE) return;
    }
  }

  /**
   * Writes records that only save work later. Failures are ignored; callers that must notice a failed disk also write
   * other records.
   */
  #write(ops: readonly Op[]): void {
    this.#writer.write(ops).catch(() => undefined);
  }
}

interface Tables {
  readonly records: Table<StoreRecord>;
  readonly manifests: Table<string>;
  readonly pins: Table<string>;
  readonly kept: Table<string>;
}

const EMPTY = contentHash(new Uint8Array());
