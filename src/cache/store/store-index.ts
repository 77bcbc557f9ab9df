import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { DiskSpace } from '../disk/disk-space.ts';
import type { FilePool } from '../disk/file-pool.ts';
import type { GroupWriter, Op } from '../db/group-writer.ts';
import { type StoreRecord, StoredContent } from './stored-content.ts';
import type { Table } from '../db/table.ts';

/** How long changed records are gathered, ms. */
const GATHER = 250;
/** A use is written down only if the one that was is older, ms: the order need not be exact. */
const USE_STEP = 600_000;
/** Bytes of superseded content that stay. */
const SUPERSEDED = 64 * 1024 * 1024;
/** Contents of which it is remembered that they are superseded, or more than one file's. */
const REMEMBERED = 10_000;

/** Content nobody has open; `stored` is what this process learned about it. */
interface Idle {
  readonly bytes: number;
  readonly stored: StoredContent | undefined;
}

export interface StoreIndexOptions {
  /** Holds `store/` and `trash/`. */
  readonly dir: string;
  readonly records: Table<StoreRecord>;
  readonly writer: GroupWriter;
  readonly pool: FilePool;
  readonly space: DiskSpace;
  /** Bytes that the store may hold, and bytes of the disk that it leaves free. */
  readonly maxBytes: number;
  readonly minFree: number;
  /** ms since 1970 */
  readonly now: () => number;
  /** Removes what else is kept about a content. */
  readonly forget: (hash: string) => readonly Op[];
}

/**
 * Which contents are on the disk, in the order of their last use, and who is next to go. Records are written in groups;
 * files leave by rename, so that a name is free at once.
 */
export class StoreIndex {
  readonly #options: StoreIndexOptions;
  readonly #open = new Map<string, StoredContent>();
  readonly #pinned = new Set<string>();
  readonly #held = new Map<string, Idle>();
  /** The order only; limits are enforced here, as they concern the disk, too. */
  readonly #idle = new LRUCache<string, Idle>({ maxSize: Number.MAX_SAFE_INTEGER });
  /** Those of them that no file has any more, as far as is known: they go first. */
  readonly #superseded = new LRUCache<string, Idle>({ maxSize: Number.MAX_SAFE_INTEGER });
  readonly #marks = new LRUCache<string, 'superseded' | 'shared'>({ max: REMEMBERED });
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

  /** Bytes of its holes that are here. */
  holes(hash: string): number {
    const stored = this.#open.get(hash) ?? this.#resting(hash)?.stored;
    return stored?.holes ?? this.#options.records.get(hash)?.holes ?? 0;
  }

  /** True for what this process knows already: the scan of the disk leaves it alone. */
  isKnown(hash: string): boolean {
    return this.#open.has(hash) || this.#resting(hash) !== undefined;
  }

  /** For use; give it back with `release`. */
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

  /** Blocks of so many bytes were added or (negative) lost. */
  changed(stored: StoredContent, bytes: number): void {
    this.#total += bytes;
    this.#dirty.add(stored);
    this.#timer ??= setTimeout(() => void this.flush().catch(() => undefined), GATHER);
  }

  /** What the scan found on the disk, least recently used first. */
  found(hash: string, bytes: number): void {
    if (this.isKnown(hash)) return;
    this.#total += bytes;
    this.#rest(hash, { bytes, stored: undefined });
  }

  /** Puts those that were used in this process behind what the scan has found. */
  renewOrder(hashes: readonly string[]): void {
    for (const hash of hashes) this.#idle.get(hash);
  }

  /** Least recently used first. */
  idleHashes(): string[] {
    return [...this.#idle.rkeys()];
  }

  pin(hash: string): void {
    this.#pinned.add(hash);
    const idle = this.#take(hash);
    if (idle !== undefined) this.#held.set(hash, idle);
  }

  isPinned(hash: string): boolean {
    return this.#pinned.has(hash);
  }

  unpin(hash: string): void {
    this.#pinned.delete(hash);
    const held = this.#held.get(hash);
    if (held === undefined) return;
    this.#held.delete(hash);
    this.#rest(hash, held);
  }

  /** Removes content; what is open goes with its last user. */
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

  /** Another file has got this content. */
  share(hash: string): void {
    this.#marks.set(hash, 'shared');
  }

  /** A file has another content now: this one is evicted before all others, and soon if there is much of the kind. */
  supersede(hash: string): void {
    if (this.#marks.get(hash) === 'shared') return;
    this.#marks.set(hash, 'superseded');
    const idle = this.#take(hash);
    if (idle !== undefined) this.#rest(hash, idle);
    void this.#trimSuperseded();
  }

  /** A file has got this content: it is current again. */
  revive(hash: string): void {
    if (this.#marks.get(hash) !== 'superseded') return;
    this.#marks.delete(hash);
    const idle = this.#take(hash);
    if (idle !== undefined) this.#rest(hash, idle);
  }

  async #trimSuperseded(): Promise<void> {
    while (this.#superseded.calculatedSize > SUPERSEDED) await this.#evictOne().catch(() => false);
  }

  /** Evicts until so many more bytes are within both limits and takes them; false if that cannot be. */
  async room(bytes: number): Promise<boolean> {
    const { maxBytes, minFree, space } = this.#options;
    while (this.#total + bytes > maxBytes || !space.take(bytes, minFree)) if (!(await this.#evictOne())) return false;
    return true;
  }

  /** Evicts until so many bytes are free on the disk; false if they cannot be. */
  async clear(bytes: number): Promise<boolean> {
    const { space } = this.#options;
    while (space.refresh() < bytes) if (!(await this.#evictOne())) return false;
    return true;
  }

  /** Evicts what is beyond the limits. */
  async trim(): Promise<void> {
    await this.room(0);
  }

  /** The op that writes an entry's record down, in place of the next group. */
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
    const { records, pool, now } = this.#options;
    const known = records.get(hash);
    const record = known?.size === size ? known : { size, used: now(), bits: '' };
    const stored = new StoredContent(hash, this.path(hash), record, pool);
    this.#total += stored.bytes - (idle?.bytes ?? 0);
    return stored;
  }

  #rest(hash: string, idle: Idle): void {
    const order = this.#marks.peek(hash) === 'superseded' ? this.#superseded : this.#idle;
    if (this.#pinned.has(hash)) this.#held.set(hash, idle);
    else order.set(hash, idle, { size: Math.max(1, idle.bytes) });
  }

  #resting(hash: string): Idle | undefined {
    return this.#held.get(hash) ?? this.#idle.peek(hash) ?? this.#superseded.peek(hash);
  }

  #take(hash: string): Idle | undefined {
    const idle = this.#resting(hash);
    this.#held.delete(hash);
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

  /** Everything that others can see happens in the turn of the call. */
  async #remove(hash: string, stored: StoredContent | undefined): Promise<void> {
    const { dir, records, writer, pool, space, forget } = this.#options;
    if (stored !== undefined) this.#dirty.delete(stored);
    const path = this.path(hash);
    const trash = join(dir, 'trash', randomUUID());
    pool.forget(path);
    // The record may outlive the file, as a read finds out; a file must not outlive its record unseen.
    const there = rename(path, trash);
    const written = records.get(hash) === undefined ? undefined : writer.write([records.del(hash), ...forget(hash)]);
    // On a full disk the write waits for the room that this makes.
    const removed = there ? rm(trash, { force: true }).finally(() => space.refresh()) : undefined;
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
