import { open, readdir } from 'node:fs/promises';
import { Level } from 'level';
import { FsError } from '../../vfs/fs-error.ts';
import { Generations } from './generations.ts';
import type { Op } from './group-writer.ts';
import type { Bounds, Rows } from './table.ts';

/** Tables of rows in the order of their keys' UTF-8 bytes, changed by atomic batches: what `Database` needs of LevelDB. */
export interface KeyValueStore {
  /** The folder of its files. */
  readonly location: string;

  /** @throws EBUSY if it is open elsewhere; EIO if it is damaged */
  open(): Promise<void>;

  close(): Promise<void>;

  /** All of the ops or none; of two with one key the later counts. With `sync` it, and all before it, survive the loss of power. */
  batch(ops: readonly Op[], sync: boolean): Promise<void>;

  /**
   * To be called after a batch has failed for want of room, when there is room and no batch under way; batches may follow when
   * answered. @throws what keeps it from that
   */
  mend?(): Promise<void>;

  /** Reads of one table. Values are JSON. */
  rows(table: string): Promise<Rows>;
}

/**
 * LevelDB maps the tables that it has open into memory, of a catalog of a million nodes 140 of 2 MiB. It allows no fewer than
 * these: 64 tables and ten other files.
 */
const OPEN_FILES = 74;

/** A key behind that of any record. */
const BEHIND_ALL = '\uffff';
/** LevelDB does nothing for an empty batch, so a batch that only syncs writes a key nobody reads. */
export const SYNC_MARK: Op = { type: 'put', table: 'sync', key: '', value: 0 };

/** What `level` is where there are files. */
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
   * LevelDB writes on behind what it could not write, and reads at the next start up to there: a log that is torn must have no
   * successors. Another one begins when what is in memory goes into a table. Where LevelDB has given up writing
   * altogether, the next generation is opened and takes over; reading goes on all the time.
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

  /** True, and closed again, if another process has replaced the database before this one had it. */
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
    // What stays goes at the next start.
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

  /** With the key as it is in the whole tree: finding that out anew for each op is most of what a batch costs. */
  #operation({ type, table, key, value }: Op) {
    const whole = this.#sublevel(table).prefixKey(key, 'utf8');
    return type === 'put'
      ? ({ type, key: whole, value: JSON.stringify(value) } as const)
      : ({ type, key: whole } as const);
  }

  #sublevel(table: string): Sublevel {
    let sublevel = this.#sublevels.get(table);
    if (sublevel === undefined) this.#sublevels.set(table, (sublevel = openSublevel(this.#level, table)));
    return sublevel;
  }
}

/**
 * `abstract-level` lays each op over the options and adds what its encodings are. Where the options have all that already, the
 * ops share a hidden class, and a batch takes a quarter of the time on this thread (docs/decisions/027).
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
 * LevelDB syncs the log that it appends to and not the one before, whose records may still be in memory on their way
 * into a table. Any log that is there beside the newest is therefore synced as well.
 */
async function syncOldLogs(dir: string): Promise<void> {
  const logs = (await readdir(dir)).filter((name) => name.endsWith('.log')).sort();
  for (const name of logs.slice(0, -1)) {
    try {
      await using log = await open(`${dir}/${name}`, 'r+');
      await log.datasync();
    } catch (error) {
      // Gone meanwhile: its records are in a table, which LevelDB has synced.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Why a database could not be opened. */
export function openError(dir: string, error: unknown): FsError {
  if (error instanceof FsError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (codeOf(cause) === 'LEVEL_LOCKED') {
    return new FsError('EBUSY', 'open', { subject: dir, reason: 'another process has this folder open', cause });
  }
  if (isFull(error)) return new FsError('ENOSPC', 'open', { subject: dir, reason: FULL, cause });
  const reason = cause instanceof Error ? cause.message : undefined;
  return new FsError(isReadOnly(error) ? 'EROFS' : 'EIO', 'open', { subject: dir, reason, cause });
}

/** What to do about a full disk. */
export const FULL = 'the disk of the cache is full; make room on it';

/** LevelDB gives the system's text and no code. */
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
