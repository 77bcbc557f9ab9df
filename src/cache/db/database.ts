import { join } from 'node:path';
import { FsError } from '../../vfs/fs-error.ts';
import { DiskSpace } from '../disk/disk-space.ts';
import { hasDatabase } from './generations.ts';
import type { BatchWriter, Op } from './group-writer.ts';
import { FULL, type KeyValueStore, LevelStore, SYNC_MARK, isFull, isReadOnly, openError } from './level-store.ts';
import type { Rows } from './table.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

interface WriteOptions {
  /** The place in the log up to which this batch and those before it have everything. */
  readonly logged?: number | undefined;
  /** Answered before the batch is written. */
  readonly before?: () => Promise<void>;
}

export interface DatabaseOptions {
  /** How long what was not synced may wait for the disk, ms. */
  readonly commitDelay?: number;
  /** What keeps the rows of a folder; LevelDB if absent. */
  readonly store?: (dir: string) => KeyValueStore;
}

/** Bytes of the disk below which no change is taken up any more, so that what has been is written for certain. */
const RESERVE = 8 << 20;
/** With this many bytes free, the last measurement of the disk is good enough: measuring takes longer than most changes. */
const AMPLE = 1 << 30;
/** The record of the place in the log up to which the database has everything. */
const LOGGED = 'logged';

/**
 * The one LevelDB of a gateway: catalog, journal and the records of staging and store are tables (sublevels) of it, so
 * that one batch changes all of them or none. Values are JSON. Beside its files is a log of what is to be written soon.
 *
 * What was logged, and a batch that has been answered, survive the death of the process; a batch with `sync`, and what was
 * answered before a `barrier()`, the loss of power, too; any other is synced by a commit within `commitDelay`. Concurrent
 * batches may be applied in any order: writers that share records go through one `GroupWriter`.
 *
 * After a failed write nobody knows what LevelDB's log holds. If the disk was full, the first write when there is room begins
 * with mending that; until then writes fail with `ENOSPC`. After any other failure nothing is written any more: later
 * writes fail with `EIO` or `EROFS`. Reading goes on.
 */
export class Database implements BatchWriter {
  readonly #store: KeyValueStore;
  readonly #commitDelay: number;
  #log!: WriteAheadLog;
  /** Up to there the log is in the database. */
  #logged = 0;
  #nextBarrier: Promise<void> | undefined;
  #runningBarrier: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #prepare: () => Promise<void> = () => Promise.resolve();
  #committing: Promise<void> = Promise.resolve();
  /** Counts batches; those up to `synced` are on the disk. */
  #written = 0;
  #synced = 0;
  #failure: FsError | undefined;
  /** The disk was full: to be mended before the next write. */
  #stuck = false;
  #mending: Promise<void> | undefined;
  /** Writes under way. */
  readonly #running = new Set<Promise<void>>();
  readonly #space: DiskSpace;
  #closing: Promise<void> | undefined;
  #tellFailure!: (failure: FsError) => void;
  /** Answered when writing has failed for good, and not for want of room; whoever runs the program ends it then, since starting is recovery. */
  readonly failed: Promise<FsError>;

  private constructor(store: KeyValueStore, commitDelay: number) {
    this.#store = store;
    this.#space = DiskSpace.of(store.location);
    this.#commitDelay = commitDelay;
    this.failed = new Promise((resolve) => {
      this.#tellFailure = resolve;
    });
  }

  /** Whether a folder has a database. */
  static exists(dir: string): Promise<boolean> {
    return hasDatabase(dir);
  }

  /** Opens or makes the database of a folder. @throws EBUSY if it is open elsewhere; EIO if it is damaged; ENOSPC */
  static async open(dir: string, options: DatabaseOptions = {}): Promise<Database> {
    const { commitDelay = 800, store: make = (dir: string) => new LevelStore(dir) } = options;
    const store = make(dir);
    await store.open();
    const db = new Database(store, commitDelay);
    try {
      await db.#recover();
    } catch (error) {
      await store.close();
      throw openError(dir, error);
    }
    return db;
  }

  /** What stopped all writing, if something did. */
  get failure(): FsError | undefined {
    return this.#failure;
  }

  /** Reads of one table. */
  rows(table: string): Promise<Rows> {
    return this.#store.rows(table);
  }

  /** `BatchWriter.log`: nothing is logged while writing fails. */
  log(ops: readonly Op[]): number | undefined {
    if (this.#stuck || this.#failure !== undefined || this.#closing !== undefined) return undefined;
    try {
      return this.#log.append(ops);
    } catch {
      // The same will happen to the batch, which tells what it was.
      return undefined;
    }
  }

  /** See `BatchWriter.checkRoom`. */
  checkRoom(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#stuck) this.#mended().catch(() => undefined);
    if (this.#stuck || !this.#hasRoom()) throw this.#full();
  }

  /**
   * All of the ops or none; of two with one key the later counts. Visible to reads when answered. `before` is answered
   * first; where it fails the write has failed. @throws EIO, ENOSPC
   */
  async write(ops: readonly Op[], sync: boolean, { logged, before }: WriteOptions = {}): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) throw new FsError('EBADF', 'write', { reason: 'the database is closed' });
    if (this.#stuck) await this.#mended();
    const mark: Op[] = logged === undefined ? [] : [{ type: 'put', table: LOGGED, key: '', value: logged }];
    await this.#write([...ops, ...mark], sync, before);
    if (logged !== undefined) this.#log.applied((this.#logged = logged));
    if (!sync) this.commitSoon();
  }

  /**
   * `prepare` brings to the disk what records speak of; each commit that comes of itself waits for it before it syncs the
   * records. What it cannot do it must do the next time: its failure holds up nothing.
   */
  beforeCommit(prepare: () => Promise<void>): void {
    this.#prepare = prepare;
  }

  /** A commit follows within `commitDelay`. */
  commitSoon(): void {
    if (this.#timer !== undefined || this.#closing !== undefined || this.#failure !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#committing = this.#committing.then(() => this.#commit());
    }, this.#commitDelay);
  }

  /** Answered when everything that was answered before this call is on the disk; one sync serves all who wait. @throws EIO, ENOSPC */
  barrier(): Promise<void> {
    this.#nextBarrier ??= this.#runningBarrier.then(() => {
      this.#nextBarrier = undefined;
      const sync = this.write([], true);
      this.#runningBarrier = sync.catch(() => undefined);
      return sync;
    });
    return this.#nextBarrier;
  }

  /** Syncs what is written and closes. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#committing;
    await this.#runningBarrier;
    if (this.#written > this.#synced && this.#failure === undefined) await this.#write([], true).catch(() => undefined);
    this.#log.close(this.#logged);
    await this.#store.close();
  }

  /** Writes what an earlier process has logged and could not write. */
  async #recover(): Promise<void> {
    const place = (await this.rows(LOGGED)).getSync('');
    this.#logged = place === undefined ? 0 : Number(place);
    const apply = (ops: readonly Op[], logged: number): Promise<void> => {
      this.#logged = logged;
      return this.#write([...ops, { type: 'put', table: LOGGED, key: '', value: logged }], true);
    };
    this.#log = await WriteAheadLog.open(join(this.#store.location, 'ahead'), this.#logged, apply);
  }

  /** @throws ENOSPC, EIO */
  #mended(): Promise<void> {
    return (this.#mending ??= this.#mend().finally(() => (this.#mending = undefined)));
  }

  async #mend(): Promise<void> {
    if (!this.#space.has(RESERVE)) throw this.#full();
    await Promise.allSettled(this.#running);
    try {
      await this.#store.mend?.();
    } catch (error) {
      throw this.#fail(error);
    }
    this.#stuck = false;
  }

  async #commit(): Promise<void> {
    await this.#prepare().catch(() => undefined);
    if (this.#written > this.#synced) await this.barrier().catch(() => undefined);
  }

  async #write(ops: readonly Op[], sync: boolean, before?: () => Promise<void>): Promise<void> {
    const writing = this.#writeNow(ops, sync, before);
    this.#running.add(writing);
    try {
      await writing;
    } finally {
      this.#running.delete(writing);
    }
  }

  async #writeNow(ops: readonly Op[], sync: boolean, before?: () => Promise<void>): Promise<void> {
    const covered = this.#written;
    try {
      await before?.();
      await this.#store.batch(ops.length > 0 ? ops : [SYNC_MARK], sync);
    } catch (error) {
      throw this.#fail(error);
    }
    if (sync) this.#synced = Math.max(this.#synced, covered);
    else this.#written++;
  }

  #hasRoom(): boolean {
    return this.#space.free() >= AMPLE || this.#space.refresh() >= RESERVE;
  }

  #full(): FsError {
    return new FsError('ENOSPC', 'write', { subject: this.#store.location, reason: FULL });
  }

  #fail(error: unknown): FsError {
    if (this.#failure === undefined && isFull(error)) {
      this.#stuck = true;
      return this.#full();
    }
    clearTimeout(this.#timer);
    this.#failure ??= new FsError(isReadOnly(error) ? 'EROFS' : 'EIO', 'write', {
      subject: this.#store.location,
      reason: 'the database could not be written; nothing more is written until the program is started again',
      cause: error,
    });
    this.#tellFailure(this.#failure);
    return this.#failure;
  }
}
