import { join } from 'node:path';
import { FsError } from '../../vfs/fs-error.ts';
import { DiskSpace } from '../disk/disk-space.ts';
import { hasDatabase } from './generations.ts';
import type { BatchWriter, Op } from './group-writer.ts';
import { FULL, type KeyValueStore, LevelStore, SYNC_MARK, isFull, isReadOnly, openError } from './level-store.ts';
import type { Rows } from './table.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

interface WriteOptions {
  /** The position in the log up to which this batch and earlier ones contain everything. */
  readonly logged?: number | undefined;
  /** Must resolve before the batch is written. */
  readonly before?: () => Promise<void>;
}

export interface DatabaseOptions {
  /** Longest delay before unsynced batches are synced, ms. */
  readonly commitDelay?: number;
  /** Creates the key-value store in a folder; LevelDB if absent. */
  readonly store?: (dir: string) => KeyValueStore;
}

/** Free bytes on the disk below which no new change is accepted, so that accepted ones can certainly be written. */
const RESERVE = 8 << 20;
/** With this many bytes free, the last measurement of the disk is good enough: measuring takes longer than most changes. */
const AMPLE = 1 << 30;
/** The record of the place in the log up to which the database has everything. */
const LOGGED = 'logged';

/**
 * The LevelDB of a gateway. Catalog, journal and the records of staging and store are tables (sublevels) of it, so one
 * batch changes all of them or none. Values are JSON. Next to its files is a log of changes that will be written soon.
 *
 * Logged changes, and batches once they resolve, survive a crash of the process. A batch with `sync`, and everything
 * that resolved before a `barrier()`, also survives a power loss. Other batches are synced by a commit within
 * `commitDelay`. Concurrent batches may be applied in any order, so writers that share records must use the same
 * `GroupWriter`.
 *
 * After a failed write the content of LevelDB's log is unknown. If the disk was full, the first write after there is
 * space repairs the database; until then writes fail with `ENOSPC`. After any other failure nothing is written any
 * more: later writes fail with `EIO` or `EROFS`. Reading continues in both cases.
 */
export class Database implements BatchWriter {
  readonly #store: KeyValueStore;
  readonly #commitDelay: number;
  #log!: WriteAheadLog;
  /** The position up to which the log is in the database. */
  #logged = 0;
  #nextBarrier: Promise<void> | undefined;
  #runningBarrier: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #prepare: () => Promise<void> = () => Promise.resolve();
  #committing: Promise<void> = Promise.resolve();
  /** Number of batches; those up to `synced` are on the disk. */
  #written = 0;
  #synced = 0;
  #failure: FsError | undefined;
  /** Whether the disk was full, so that the store must be repaired before the next write. */
  #stuck = false;
  #mending: Promise<void> | undefined;
  /** Writes in progress. */
  readonly #running = new Set<Promise<void>>();
  readonly #space: DiskSpace;
  #closing: Promise<void> | undefined;
  #tellFailure!: (failure: FsError) => void;
  /**
   * Resolves when writing has failed permanently, for a reason other than lack of space. The process must then be
   * restarted, which recovers.
   */
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

  /**
   * Opens or creates the database in a folder. @throws EBUSY if another process has it open; EIO if it is damaged;
   * ENOSPC
   */
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

  /** The error that has permanently stopped writing, if any. */
  get failure(): FsError | undefined {
    return this.#failure;
  }

  /** Read access to a table. */
  rows(table: string): Promise<Rows> {
    return this.#store.rows(table);
  }

  /** See `BatchWriter.log`. Nothing is logged while writing fails. */
  log(ops: readonly Op[]): number | undefined {
    if (this.#stuck || this.#failure !== undefined || this.#closing !== undefined) return undefined;
    try {
      return this.#log.append(ops);
    } catch {
      // The batch will fail in the same way, and report the error.
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
   * Writes all of the ops or none; of two with the same key the later one wins. They are visible to reads once this
   * resolves. `before` runs first; if it fails, the write fails. @throws EIO, ENOSPC
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
   * Registers `prepare`, which syncs the files that records refer to. Each automatic commit waits for it before it
   * syncs the records. If it fails, the commit continues, and the next one calls it again.
   */
  beforeCommit(prepare: () => Promise<void>): void {
    this.#prepare = prepare;
  }

  /** Schedules a commit within `commitDelay`. */
  commitSoon(): void {
    if (this.#timer !== undefined || this.#closing !== undefined || this.#failure !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#committing = this.#committing.then(() => this.#commit());
    }, this.#commitDelay);
  }

  /**
   * Resolves when every batch that had resolved before this call is on the disk. Concurrent calls share a sync. @throws
   * EIO, ENOSPC
   */
  barrier(): Promise<void> {
    this.#nextBarrier ??= this.#runningBarrier.then(() => {
      this.#nextBarrier = undefined;
      const sync = this.write([], true);
      this.#runningBarrier = sync.catch(() => undefined);
      return sync;
    });
    return this.#nextBarrier;
  }

  /** Syncs, and closes the database. Idempotent. */
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

  /** Writes changes that an earlier process has logged but not written. */
  async #recover(): Promise<void> {
    const place = (await this.rows(LOGGED)).getSync('');
    this.#logged = place === undefined ? 0 : Number(place);
    const apply = (ops: readonly Op[], logged: number): Promise<void> => {
      this.#logged = logged;
      return this.#write([...ops, { type: 'put', table: LOGGED, key: '', value: logged }], true);
    };
    this.#log = await WriteAheadLog.open(join(this.#store.location, 'ahead'), this.#logged, apply);
  }

  /** Repairs the store after the disk was full. @throws ENOSPC, EIO */
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
      reason: 'the database could not be written, and no change is accepted until Fjord is restarted',
      cause: error,
    });
    this.#tellFailure(this.#failure);
    return this.#failure;
  }
}
