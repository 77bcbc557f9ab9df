import { open, readdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Level } from 'level';
import type { Block } from './block-store.ts';

/** Size in bytes of LevelDB's write buffer; it may hold two of them. */
const WRITE_BUFFER = 16 * 1024 * 1024;
/** Size in bytes of LevelDB's block cache. */
const READ_CACHE = 8 * 1024 * 1024;

/** Free bytes needed to open LevelDB, which rewrites its log while it opens. */
const ROOM = 3 * WRITE_BUFFER;

export interface SmallBlocksOptions {
  /** How long after a failed write the next one is tried, ms. */
  readonly retryAfter?: number;
}

/** LevelDB's own repair, which keeps all readable tables. The package's types omit it, as it exists only on Node. */
const { repair } = Level as unknown as { repair(this: void, location: string): Promise<void> };

/** Options with the same properties as an operation share its hidden class (docs/decisions/027). */
const UNIFORM = { type: 'put', key: '', value: '', keyEncoding: 'utf8', valueEncoding: 'view' } as const;

/**
 * Stores small blocks as values of one LevelDB, in the order in which they arrive, so that it does not sort them again and
 * again. A second LevelDB records where each block is, by account and digest (docs/decisions/013). All blocks of a call
 * are on disk after one sync of each. Methods are safe to call concurrently. After a failed write the content of LevelDB's
 * log is unknown, so nothing more is written until `recover` has reopened the databases, once there is room; reading
 * continues.
 */
export class SmallBlocks {
  readonly #folder: string;
  /** By `placeKey` the key of a value; by `oldKey` the blocks from before there were places. */
  readonly #places: Level<string, Uint8Array>;
  readonly #values: Level<string, Uint8Array>;
  readonly #retryAfter: number;
  /** Number of the next value. */
  #next: number;
  #failure: Error | undefined;
  #failedAt = 0;
  /** Set while the database is being reopened. */
  #opening: Promise<void> | undefined;

  private constructor(parts: Parts, { retryAfter = 10_000 }: SmallBlocksOptions) {
    this.#folder = parts.folder;
    this.#places = parts.places;
    this.#values = parts.values;
    this.#next = parts.next;
    this.#retryAfter = retryAfter;
  }

  /**
   * Opens the database, and repairs it if it is damaged; blocks lost by that will be found missing. @throws Error if
   * another process has it open
   */
  static async open(folder: string, how: SmallBlocksOptions = {}): Promise<SmallBlocks> {
    const places = await openLevel(folder);
    const values = await openLevel(join(folder, 'values'));
    await syncFolder(folder);
    await syncFolder(dirname(folder));
    const [last = ''] = await values.keys({ reverse: true, limit: 1 }).all();
    const next = last === '' ? 0 : Number.parseInt(last, 16) + 1;
    return new SmallBlocks({ folder, places, values, next }, how);
  }

  /** False once a write has failed. */
  get isWritable(): boolean {
    return this.#failure === undefined;
  }

  /** Reopens the databases after a failed write, if that may help. Resolves to whether blocks can be written. */
  async recover(): Promise<boolean> {
    if (this.#failure === undefined) return true;
    if (this.#opening === undefined) {
      if (performance.now() - this.#failedAt < this.#retryAfter) return false;
      this.#failedAt = performance.now();
      const { bavail, bsize } = await statfs(this.#folder);
      if (bavail * bsize < ROOM) return false;
      this.#opening ??= this.#reopen().finally(() => (this.#opening = undefined));
    }
    await this.#opening;
    return this.isWritable;
  }

  /** Stores all blocks. Once it resolves they survive a power loss. */
  async put(account: string, blocks: readonly Block[]): Promise<void> {
    const keys = blocks.map(({ digest }) => placeKey(account, digest));
    const first = this.#next;
    this.#next += blocks.length;
    await this.#write(async () => {
      const before = await this.#places.getMany(keys);
      const values = blocks.map(({ digest, data }, i) => put(`${numbered(first + i)}/${account}/${digest}`, data));
      await this.#values.batch(values, { sync: true, ...UNIFORM });
      const places = values.map((value, i) => put(keys[i] as string, Buffer.from(value.key)));
      await this.#places.batch(places, { sync: true, ...UNIFORM });
      // After the loss of values their numbers are given again, perhaps to the same block.
      const gone = before.map(textOf).filter((place, i) => place !== undefined && place !== values[i]?.key);
      if (gone.length > 0) await this.#values.batch(gone.map((place) => ({ type: 'del', key: place as string })));
    });
  }

  /** The stored bytes, unverified, or `undefined` if there are none or the database is damaged at that place. */
  async get(account: string, digest: string): Promise<Uint8Array | undefined> {
    for (;;) {
      await this.#readable();
      try {
        return await this.#get(account, digest);
      } catch (error) {
        if (isCorruption(error)) return undefined;
        // Reopening may have closed the database during this call.
        if (this.#opening === undefined) throw error;
      }
    }
  }

  /** Does nothing if there is no such block. Like a removed file, the block may reappear after a power loss. */
  async remove(account: string, digest: string): Promise<void> {
    if (!this.isWritable && (await this.get(account, digest)) === undefined) return;
    await this.#write(async () => {
      const place = await this.#placeOf(account, digest);
      await this.#places.batch(
        [placeKey(account, digest), oldKey(account, digest)].map((key) => ({ type: 'del', key })),
      );
      if (place !== undefined) await this.#values.del(place);
    });
  }

  async *list(account: string): AsyncGenerator<string> {
    await this.#readable();
    for (const key of [placeKey, oldKey]) {
      for await (const found of this.#places.keys({ gte: key(account, ''), lt: key(account, 'g') })) {
        const digest = found.slice(key(account, '').length);
        if (key === placeKey || (await this.#placeOf(account, digest)) === undefined) yield digest;
      }
    }
  }

  async close(): Promise<void> {
    await this.#opening;
    await this.#places.close();
    await this.#values.close();
  }

  async #get(account: string, digest: string): Promise<Uint8Array | undefined> {
    let place = await this.#placeOf(account, digest);
    while (place !== undefined) {
      const value = await this.#values.get(place);
      const now = value === undefined ? await this.#placeOf(account, digest) : place;
      // Unless it was put again meanwhile, which removes the former value.
      if (now === place) return value;
      place = now;
    }
    return await this.#places.get(oldKey(account, digest));
  }

  /** The key of a block's value, if it has one. */
  async #placeOf(account: string, digest: string): Promise<string | undefined> {
    return textOf(await this.#places.get(placeKey(account, digest)));
  }

  /** Never throws. */
  async #reopen(): Promise<void> {
    try {
      for (const level of [this.#places, this.#values]) {
        await level.close();
        await level.open();
      }
      this.#failure = undefined;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Resolves to the open database; tries again if it could not be opened before. */
  async #readable(): Promise<void> {
    if (this.#opening === undefined && this.#isOpen) return;
    await (this.#opening ?? this.recover());
  }

  get #isOpen(): boolean {
    return this.#places.status === 'open' && this.#values.status === 'open';
  }

  async #write(write: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await write();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #fail(error: unknown): void {
    this.#failure = error instanceof Error ? error : new Error('writing failed', { cause: error });
    this.#failedAt = performance.now();
  }
}

interface Parts {
  readonly folder: string;
  readonly places: Level<string, Uint8Array>;
  readonly values: Level<string, Uint8Array>;
  readonly next: number;
}

async function openLevel(folder: string): Promise<Level<string, Uint8Array>> {
  const options = { valueEncoding: 'view', writeBufferSize: WRITE_BUFFER, cacheSize: READ_CACHE, compression: false };
  if (await hasLostItsHead(folder)) await repair(folder);
  // Level starts opening in its constructor.
  const level = new Level<string, Uint8Array>(folder, options);
  await level.open().catch(async (error: unknown) => {
    if (!isCorruption(error)) throw error;
    await repair(folder);
    await level.open();
  });
  return level;
}

/** True if there are tables but no CURRENT file: LevelDB would then create a new database and delete the tables. */
async function hasLostItsHead(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => []);
  return !names.includes('CURRENT') && names.some((name) => /\.(ldb|log)$/.test(name));
}

/** True if the database is corrupt or one of its files is missing. */
function isCorruption(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, message } = at as NodeJS.ErrnoException;
    if (code === 'LEVEL_CORRUPTION' || (code === 'LEVEL_IO_ERROR' && message.includes('No such file'))) return true;
  }
  return false;
}

/** Hexadecimal digests sort before 'g'. */
function oldKey(account: string, digest: string): string {
  return `${account}/${digest}`;
}

/** No account id starts with `!`. */
function placeKey(account: string, digest: string): string {
  return `!${account}/${digest}`;
}

/** Padded, so that the order of texts is that of numbers. */
function numbered(number: number): string {
  return number.toString(16).padStart(13, '0');
}

function put(key: string, value: Uint8Array) {
  return { type: 'put', key, value } as const;
}

function textOf(place: Uint8Array | undefined): string | undefined {
  return place && Buffer.from(place.buffer, place.byteOffset, place.byteLength).toString();
}

/** Syncs a folder, so that the names in it survive a power loss. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders; its file system journals names by itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
