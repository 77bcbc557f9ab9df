import { open, readdir } from 'node:fs/promises';
import { Level } from 'level';
import { FsError } from '../../vfs/fs-error.ts';
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

  /** Reads of one table. Values are JSON. */
  rows(table: string): Promise<Rows>;
}

/**
 * LevelDB maps the tables that it has open into memory, of a catalog of a million nodes 140 of 2 MiB. It allows no fewer than
 * these: 64 tables and ten other files.
 */
const OPEN_FILES = 74;

type Sublevel = ReturnType<typeof openSublevel>;

/** LevelDB in a folder; a table is a sublevel. */
export class LevelStore implements KeyValueStore {
  readonly #level: Level;
  readonly #sublevels = new Map<string, Sublevel>();

  constructor(dir: string) {
    this.#level = new Level(dir, { cacheSize: 16 << 20, writeBufferSize: 8 << 20, maxOpenFiles: OPEN_FILES });
  }

  get location(): string {
    return this.#level.location;
  }

  async open(): Promise<void> {
    try {
      await this.#level.open();
    } catch (error) {
      throw openError(this.location, error);
    }
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  async batch(ops: readonly Op[], sync: boolean): Promise<void> {
    await this.#level.batch(
      ops.map((op) => this.#operation(op)),
      { sync, ...UNIFORM },
    );
    if (sync) await syncOldLogs(this.location);
  }

  async rows(table: string): Promise<Rows> {
    const sublevel = this.#sublevel(table);
    await sublevel.open();
    return {
      getSync: (key) => sublevel.getSync(key),
      range: ({ gt, lt, limit }: Bounds) => sublevel.iterator({ gt, lt, limit }).all(),
    };
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
  const reason = cause instanceof Error ? cause.message : undefined;
  return new FsError('EIO', 'open', { subject: dir, reason, cause });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
