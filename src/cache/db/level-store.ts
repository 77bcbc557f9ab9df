import { open, readdir } from 'node:fs/promises';
import { Level } from 'level';
import { FsError } from '../../vfs/fs-error.ts';
import { Generations } from './generations.ts';
import type { Op } from './group-writer.ts';
import type { Bounds, Rows } from './table.ts';

/**
 * Tables of rows, ordered by the UTF-8 bytes of their keys and changed by atomic batches: the part of LevelDB that
 * `Database` needs.
 */
export interface KeyValueStore {
  /** The folder with its files. */
  readonly location: string;

  /** @throws EBUSY if another process has it open; EIO if it is damaged */
  open(): Promise<void>;

  close(): Promise<void>;

  /**
   * Writes all of the ops or none; of two with the same key the later one wins. With `sync`, it and all earlier batches
   * survive a power loss.
   */
  batch(ops: readonly Op[], sync: boolean): Promise<void>;

  /**
   * Repairs the store after a batch has failed because the disk was full. To be called when there is space again and no
   * batch is in progress; batches may follow once it resolves. @throws what prevents the repair
   */
  mend?(): Promise<void>;

  /** Read access to a table. Values are JSON. */
  rows(table: string): Promise<Rows>;
}

/**
 * Most files that LevelDB keeps open. It maps open tables into memory; a catalog of a million nodes has 140 tables of 2
 * MiB. This is the smallest number that it allows: 64 tables and ten other files.
 */
const OPEN_FILES = 74;

/** A key after that of any record. */
const BEHIND_ALL = '\uffff';
/** Written by a batch that only syncs, because LevelDB ignores an empty batch. The key is never read. */
export const SYNC_MARK: Op = { type: 'put', table: 'sync', key: '', value: 0 };

/** The type of `level` on systems with files. */
type FileLevel = Level & { compactRange(start: string, end: string): Promise<void> };
type Sublevel = ReturnType<typeof openSublevel>;

/** LevelDB in a folder; a table is a sublevel. */
export class LevelStore implements KeyValueStore {
  readonly location: string;
  readonly #generations: Generations;
  #level!: Level;
  #sublevels = new Map<string, Sublevel>();
  /** Reads under way that closing the database would end. */
  readonly #ranges = new Set<Promise<unknown>>();

  constructor(dir: string) {
    this.location = dir;
    this.#generations = new Generations(dir);
  }

  async open(): Promise<void> {
    do {
      await this.#generations.load();
      this.#level = await openLevel(this.#generations.folder);
    } while (await this.#isOutdated());
    await this.#generations.clean();
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  async batch(ops: readonly Op[], sync: boolean): Promise<void> {
    await this.#level.batch(
      ops.map((op) => this.#operation(op)),
      { sync, ...UNIFORM },
    );
    if (sync) await syncOldLogs(this.#level.location);
  }

  /**
   * After a failed write, LevelDB appends to its torn log, but the next start would only read up to the torn record. So
   * a new log must be started, which happens when the memtable is written as a table. If LevelDB refuses all writes, the
   * next generation is opened and takes over; reads continue all the time.
   */
  async mend(): Promise<void> {
    try {
      await (this.#level as FileLevel).compactRange(BEHIND_ALL, BEHIND_ALL);
      await this.batch([SYNC_MARK], true);
    } catch {
      await this.#replace();
    }
  }

  async rows(table: string): Promise<Rows> {
    await this.#sublevel(table).open();
    return {
      getSync: (key) => this.#sublevel(table).getSync(key),
      range: ({ gt, lt, limit }: Bounds) => this.#reading(this.#sublevel(table).iterator({ gt, lt, limit }).all()),
    };
  }

  /** Resolves to true, and closes the database, if another process replaced it before this one had its lock. */
  async #isOutdated(): Promise<boolean> {
    const outdated = await this.#generations.isOutdated();
    if (outdated) await this.#level.close();
    return outdated;
  }

  async #replace(): Promise<void> {
    const old = this.#level;
    try {
      await this.#openNext();
    } catch (error) {
      await this.#generations.clean();
      throw error;
    }
    await Promise.allSettled(this.#ranges);
    await old.close();
    // The next start removes what could not be removed here.
    await this.#generations.clean().catch(() => undefined);
  }

  async #openNext(): Promise<void> {
    const level = await openLevel(await this.#generations.next());
    try {
      const sublevels = new Map([...this.#sublevels.keys()].map((table) => [table, openSublevel(level, table)]));
      await Promise.all([...sublevels.values()].map((sublevel) => sublevel.open()));
      await this.#generations.use();
      this.#level = level;
      this.#sublevels = sublevels;
    } catch (error) {
      await level.close();
      throw error;
    }
  }

  async #reading<T>(range: Promise<T>): Promise<T> {
    this.#ranges.add(range);
    try {
      return await range;
    } finally {
      this.#ranges.delete(range);
    }
  }

  /**
   * The operation with its full key, including the sublevel's prefix. Building it again for each op would be most of
   * the cost of a batch.
   */
  #operation({ type, table, key, value, json }: Op) {
    const whole = this.#sublevel(table).prefixKey(key, 'utf8');
    return type === 'put'
      ? ({ type, key: whole, value: json ?? JSON.stringify(value) } as const)
      : ({ type, key: whole } as const);
  }

  #sublevel(table: string): Sublevel {
    let sublevel = this.#sublevels.get(table);
    if (sublevel === undefined) this.#sublevels.set(table, (sublevel = openSublevel(this.#level, table)));
    return sublevel;
  }
}

/**
 * `abstract-level` merges each op with the options and adds its encodings. If the options already have all of these
 * properties, the results share a hidden class, and a batch takes a quarter of the time on this thread
 * (docs/decisions/027).
 */
const UNIFORM = { type: 'put', key: '', value: '', keyEncoding: 'utf8', valueEncoding: 'utf8' } as const;

/** @throws EBUSY, EIO, ENOSPC */
async function openLevel(dir: string): Promise<Level> {
  const level = new Level(dir, { cacheSize: 16 << 20, writeBufferSize: 8 << 20, maxOpenFiles: OPEN_FILES });
  try {
    await level.open();
  } catch (error) {
    throw openError(dir, error);
  }
  return level;
}

function openSublevel(level: Level, table: string) {
  return level.sublevel(table, { valueEncoding: 'utf8' });
}

/**
 * LevelDB syncs its current log but not the previous one, whose records may not be in a table yet. So all older logs
 * are synced as well.
 */
async function syncOldLogs(dir: string): Promise<void> {
  const logs = (await readdir(dir)).filter((name) => name.endsWith('.log')).sort();
  for (const name of logs.slice(0, -1)) {
    try {
      await using log = await open(`${dir}/${name}`, 'r+');
      await log.datasync();
    } catch (error) {
      // It was removed in the meantime, as its records are in a table, which LevelDB has synced.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Why a database could not be opened. */
export function openError(dir: string, error: unknown): FsError {
  if (error instanceof FsError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (codeOf(cause) === 'LEVEL_LOCKED') {
    return new FsError('EBUSY', 'open', {
      subject: dir,
      reason: 'another process is using this folder; stop it first',
      cause,
    });
  }
  if (isFull(error)) return new FsError('ENOSPC', 'open', { subject: dir, reason: FULL, cause });
  const reason = cause instanceof Error ? cause.message : undefined;
  return new FsError(isReadOnly(error) ? 'EROFS' : 'EIO', 'open', { subject: dir, reason, cause });
}

/** The reason for a full disk, with what to do. */
export const FULL = 'the cache disk is full; free some space on it';

/** Whether the disk was full. LevelDB's errors have the system's message but no code. */
export function isFull(error: unknown): boolean {
  return says(error, 'ENOSPC', /No space left|Disk quota exceeded/);
}

export function isReadOnly(error: unknown): boolean {
  return says(error, 'EROFS', /Read-only file system/);
}

function says(error: unknown, code: string, words: RegExp): boolean {
  if (!(error instanceof Error)) return false;
  return codeOf(error) === code || words.test(error.message) || says(error.cause, code, words);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
