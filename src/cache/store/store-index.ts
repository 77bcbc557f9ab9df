import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../vfs/lru.ts';
import type { DiskSpace } from '../disk/disk-space.ts';
import type { FilePool } from '../disk/file-pool.ts';
import type { GroupWriter, Op } from '../db/group-writer.ts';
import { removeFile } from '../disk/remove-file.ts';
import { type StoreRecord, StoredContent } from './stored-content.ts';
import type { Table } from '../db/table.ts';

/** How long changed records are collected before they are written, ms. */
const GATHER = 250;
/** A use is only recorded if the recorded one is older than this, ms, as the order need not be exact. */
const USE_STEP = 600_000;
/** Most bytes of superseded content that are kept. */
const SUPERSEDED = 64 * 1024 * 1024;
/** Most contents that are remembered as superseded, or as shared by several files. */
const REMEMBERED = 10_000;

/** A content that is not open; `stored` is this process's state of it. */
interface Idle {
  readonly bytes: number;
  readonly stored: StoredContent | undefined;
}

export interface StoreIndexOptions {
  /** Contains `store/` and `trash/`. */
  readonly dir: string;
  readonly records: Table<StoreRecord>;
  readonly writer: GroupWriter;
  readonly pool: FilePool;
  readonly space: DiskSpace;
  /** Most bytes in the store, and bytes that it leaves free on the disk. */
  readonly maxBytes: number;
  readonly minFree: number;
  /** ms since 1970 */
  readonly now: () => number;
  /** Returns the ops that remove other records of a content. */
  readonly forget: (hash: string) => readonly Op[];
}

/**
 * The contents on the disk in the order of their last use, which is the order of eviction. Records are written in
 * groups. Files are removed by renaming them first, so that a name is free at once.
 */
export class StoreIndex {
  readonly #options: StoreIndexOptions;
  readonly #open = new Map<string, StoredContent>();
  readonly #pinned = new Set<string>();
  /** Contents that users want to have here, with the round that has seen them last. */
  readonly #kept = new Map<string, number>();
  /** Contents that are not open, and not evicted because they are pinned or kept. */
  readonly #held = new Map<string, Idle>();
  #heldBytes = 0;
  /**
   * Contents that are not open, in order of eviction. The cache's own limit is not used, as free disk space counts,
   * too.
   */
  readonly #idle = new LRUCache<string, Idle>({ maxSize: Number.MAX_SAFE_INTEGER });
  /** Those that no file is known to have any more; they are evicted first. */
  readonly #superseded = new LRUCache<string, Idle>({ maxSize: Number.MAX_SAFE_INTEGER });
  readonly #marks = new LRUCache<string, 'superseded' | 'shared'>(atMost(REMEMBERED));
  readonly #dirty = new Set<StoredContent>();
  #timer: NodeJS.Timeout | undefined;
  #total = 0;

  constructor(options: StoreIndexOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#total;
  }

  get entries(): number {
    return this.#open.size + this.#held.size + this.#idle.size + this.#superseded.size;
  }

  path(hash: string): string {
    return join(this.#options.dir, 'store', hash.slice(0, 2), hash);
  }

  isComplete(hash: string): boolean {
    const stored = this.#open.get(hash) ?? this.#resting(hash)?.stored;
    if (stored !== undefined) return stored.present.isFull;
    const record = this.#options.records.get(hash);
    return record !== undefined && record.bits === undefined;
  }

  /** The size of a content that is here, in part at least. */
  sizeOf(hash: string): number | undefined {
    const stored = this.#open.get(hash) ?? this.#resting(hash)?.stored;
    return stored?.size ?? this.#options.records.get(hash)?.size;
  }

  /** Bytes of a content that are here, holes included. */
  covered(hash: string): number {
    const stored = this.#open.get(hash) ?? this.#resting(hash)?.stored;
    if (stored !== undefined) return stored.covered;
    const record = this.#options.records.get(hash);
    if (record === undefined) return 0;
    return record.bits === undefined ? record.size : this.#stored(hash, record).covered;
  }

  /** Bytes of its holes that are here. */
  holes(hash: string): number {
    const stored = this.#open.get(hash) ?? this.#resting(hash)?.stored;
    return stored?.holes ?? this.#options.records.get(hash)?.holes ?? 0;
  }

  /** True for what this process knows already: the scan of the disk leaves it alone. */
  isKnown(hash: string): boolean {
    return this.#open.has(hash) || this.#resting(hash) !== undefined;
  }

  /** Opens a content for use. The caller must `release` it. */
  acquire(hash: string, size: number): StoredContent {
    let stored = this.#open.get(hash);
    if (stored === undefined) {
      stored = this.#wake(hash, size);
      this.#open.set(hash, stored);
    }
    stored.users++;
    return stored;
  }

  release(stored: StoredContent): void {
    if (--stored.users > 0) return;
    stored.release();
    this.#open.delete(stored.hash);
    if (stored.doomed || stored.present.count === 0) {
      this.#total -= stored.bytes;
      this.#remove(stored.hash, stored).catch(() => undefined);
      return;
    }
    const { now } = this.#options;
    if (now() - stored.used > USE_STEP) this.changed(stored, 0);
    stored.used = now();
    this.#rest(stored.hash, { bytes: stored.bytes, stored });
    void this.#trimSuperseded();
  }

  /** To be called when blocks were added or lost; `bytes` is their size, negative if lost. */
  changed(stored: StoredContent, bytes: number): void {
    this.#total += bytes;
    this.#dirty.add(stored);
    this.#timer ??= setTimeout(() => void this.flush().catch(() => undefined), GATHER);
  }

  /** Adds a content that the scan has found. To be called in order, least recently used first. */
  found(hash: string, bytes: number): void {
    if (this.isKnown(hash)) return;
    this.#total += bytes;
    this.#rest(hash, { bytes, stored: undefined });
  }

  /** Moves contents that this process has used behind those that the scan has found. */
  renewOrder(hashes: readonly string[]): void {
    for (const hash of hashes) this.#idle.get(hash);
  }

  /** Hashes of contents that are not open, least recently used first. */
  idleHashes(): string[] {
    return [...this.#idle.rkeys()];
  }

  pin(hash: string): void {
    this.#pinned.add(hash);
    this.#renew(hash);
  }

  /** True for what is not evicted, for whatever reason. */
  isPinned(hash: string): boolean {
    return this.#pinned.has(hash) || this.#kept.has(hash);
  }

  unpin(hash: string): void {
    if (this.#pinned.delete(hash)) this.#renew(hash);
  }

  /** Keeps a content as users want it. False if this round has seen it before. */
  keep(hash: string, round: number): boolean {
    const last = this.#kept.get(hash);
    this.#kept.set(hash, round);
    if (last === undefined) this.#renew(hash);
    return last !== round;
  }

  isKept(hash: string): boolean {
    return this.#kept.has(hash);
  }

  /** Contents that are kept, but that no round since this one has seen. */
  *keptBefore(round: number): Generator<string> {
    for (const [hash, last] of this.#kept) if (last < round) yield hash;
  }

  unkeep(hash: string): void {
    if (this.#kept.delete(hash)) this.#renew(hash);
  }

  /** Bytes that cannot be evicted, as they are pinned, kept or open. */
  get firmBytes(): number {
    let bytes = this.#heldBytes;
    for (const stored of this.#open.values()) bytes += stored.bytes;
    return bytes;
  }

  /** Whether so many further bytes can be kept, which takes the place of what can be evicted. */
  fits(bytes: number): boolean {
    const { maxBytes, minFree, space } = this.#options;
    const firm = this.firmBytes;
    return firm + bytes <= maxBytes && space.free() - minFree + (this.#total - firm) >= bytes;
  }

  /** Removes a content from the disk unless it is open or pinned. Returns the number of bytes that this frees. */
  async free(hash: string): Promise<number> {
    const record = this.#options.records.get(hash);
    if (this.#open.has(hash) || this.isPinned(hash)) return 0;
    const idle = this.#take(hash);
    this.#total -= idle?.bytes ?? 0;
    const bytes = idle?.bytes ?? (record === undefined ? 0 : this.#stored(hash, record).bytes);
    if (idle !== undefined || record !== undefined) await this.#remove(hash, idle?.stored);
    return bytes;
  }

  /** Removes a content; an open one is removed with its last user. */
  async drop(hash: string): Promise<void> {
    const open = this.#open.get(hash);
    if (open !== undefined) {
      open.doomed = true;
      return;
    }
    const idle = this.#take(hash);
    this.#total -= idle?.bytes ?? 0;
    if (idle !== undefined || this.#options.records.get(hash) !== undefined) await this.#remove(hash, idle?.stored);
  }

  /** Records that another file has this content. */
  share(hash: string): void {
    this.#marks.set(hash, 'shared');
  }

  /**
   * Records that a file no longer has this content. It is evicted before others, and soon if there is much superseded
   * content.
   */
  supersede(hash: string): void {
    if (this.#marks.get(hash) === 'shared') return;
    this.#marks.set(hash, 'superseded');
    this.#renew(hash);
    void this.#trimSuperseded();
  }

  /** Records that a file has this content again. */
  revive(hash: string): void {
    if (this.#marks.get(hash) !== 'superseded') return;
    this.#marks.delete(hash);
    this.#renew(hash);
  }

  async #trimSuperseded(): Promise<void> {
    while (this.#superseded.calculatedSize > SUPERSEDED) await this.#evictOne().catch(() => false);
  }

  /**
   * Evicts until this number of further bytes is within both limits, and reserves them; false if that is not possible.
   */
  async room(bytes: number): Promise<boolean> {
    const { maxBytes, minFree, space } = this.#options;
    while (this.#total + bytes > maxBytes || !space.take(bytes, minFree)) if (!(await this.#evictOne())) return false;
    return true;
  }

  /** Evicts until this number of bytes is free on the disk; false if that is not possible. */
  async clear(bytes: number): Promise<boolean> {
    const { space } = this.#options;
    while (space.refresh() < bytes) if (!(await this.#evictOne())) return false;
    return true;
  }

  /** Evicts until both limits are kept. */
  async trim(): Promise<void> {
    await this.room(0);
  }

  /** The op that writes a content's record, which then need not be in the next group. */
  save(stored: StoredContent): Op {
    this.#dirty.delete(stored);
    return this.#options.records.put(stored.hash, stored.record);
  }

  /** Writes changed records. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#dirty.size === 0) return;
    const ops = [...this.#dirty].map((stored) => this.save(stored));
    await this.#options.writer.write(ops);
  }

  #wake(hash: string, size: number): StoredContent {
    const idle = this.#take(hash);
    if (idle?.stored !== undefined) return idle.stored;
    const { records, now } = this.#options;
    const known = records.get(hash);
    const record = known?.size === size ? known : { size, used: now(), bits: '' };
    const stored = this.#stored(hash, record);
    this.#total += stored.bytes - (idle?.bytes ?? 0);
    return stored;
  }

  #stored(hash: string, record: StoreRecord): StoredContent {
    return new StoredContent(hash, this.path(hash), record, this.#options.pool);
  }

  /** Puts a content that is not open where it belongs now. */
  #renew(hash: string): void {
    const idle = this.#take(hash);
    if (idle !== undefined) this.#rest(hash, idle);
  }

  #rest(hash: string, idle: Idle): void {
    const order = this.#marks.peek(hash) === 'superseded' ? this.#superseded : this.#idle;
    if (this.isPinned(hash)) {
      this.#held.set(hash, idle);
      this.#heldBytes += idle.bytes;
    } else order.set(hash, idle, { size: Math.max(1, idle.bytes) });
  }

  #resting(hash: string): Idle | undefined {
    return this.#held.get(hash) ?? this.#idle.peek(hash) ?? this.#superseded.peek(hash);
  }

  #take(hash: string): Idle | undefined {
    const idle = this.#resting(hash);
    if (this.#held.delete(hash)) this.#heldBytes -= idle?.bytes ?? 0;
    this.#idle.delete(hash);
    this.#superseded.delete(hash);
    return idle;
  }

  async #evictOne(): Promise<boolean> {
    const order = this.#superseded.size > 0 ? this.#superseded : this.#idle;
    const [hash] = order.rkeys();
    const idle = order.pop();
    if (hash === undefined || idle === undefined) return false;
    this.#total -= idle.bytes;
    await this.#remove(hash, idle.stored);
    return true;
  }

  /** Removes a content. All visible effects happen in the turn of the call. */
  async #remove(hash: string, stored: StoredContent | undefined): Promise<void> {
    const { dir, records, writer, pool, space, forget } = this.#options;
    if (stored !== undefined) this.#dirty.delete(stored);
    const path = this.path(hash);
    const trash = join(dir, 'trash', randomUUID());
    pool.forget(path);
    // A record without its file is harmless, as a read notices it. A file without its record would never be evicted.
    const there = rename(path, trash);
    const written = records.get(hash) === undefined ? undefined : writer.write([records.del(hash), ...forget(hash)]);
    // On a full disk, writing the record may wait for the space that removing the file frees, so the removal is started
    // first.
    const removed = there ? removeFile(trash).finally(() => space.refresh()) : undefined;
    await Promise.all([removed, written]);
  }
}

function rename(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
