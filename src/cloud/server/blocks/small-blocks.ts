import { open, readdir, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Level } from 'level';
import type { Block } from './block-store.ts';

/** Bytes that LevelDB gathers in memory before it sorts them into a table; twice that may be held. */
const WRITE_BUFFER = 16 * 1024 * 1024;
/** Bytes of tables that are kept in memory. */
const READ_CACHE = 8 * 1024 * 1024;

/** Free bytes below which LevelDB, which writes its log anew as it is opened, is better left as it is. */
const ROOM = 3 * WRITE_BUFFER;

export interface SmallBlocksOptions {
  /** How long after a failure it is tried to write again, ms. */
  readonly retryAfter?: number;
}

/** LevelDB's own repair: keeps the tables that can be read. The package has it on Node alone, its types do not say so. */
const { repair } = Level as unknown as { repair(this: void, location: string): Promise<void> };

/** Where the options have what ops have, these share a hidden class (docs/decisions/027). */
const UNIFORM = { type: 'put', key: '', value: '', keyEncoding: 'utf8', valueEncoding: 'view' } as const;

/**
 * Small blocks as values of one LevelDB, by account and digest: all of a call are on disk after one sync. Methods are safe
 * to call concurrently. After a failed write nobody knows what LevelDB's log holds, so nothing more is written until it has
 * been opened again, which `recover` does when there is room; reading goes on.
 */
export class SmallBlocks {
  readonly #folder: string;
  readonly #level: Level<string, Uint8Array>;
  readonly #retryAfter: number;
  #failure: Error | undefined;
  #failedAt = 0;
  /** While it is being opened again. */
  #opening: Promise<void> | undefined;

  private constructor(folder: string, level: Level<string, Uint8Array>, { retryAfter = 10_000 }: SmallBlocksOptions) {
    this.#folder = folder;
    this.#level = level;
    this.#retryAfter = retryAfter;
  }

  /** Makes the best of a damaged database: what it has lost is found missing. @throws Error if it is open elsewhere */
  static async open(folder: string, how: SmallBlocksOptions = {}): Promise<SmallBlocks> {
    const options = { valueEncoding: 'view', writeBufferSize: WRITE_BUFFER, cacheSize: READ_CACHE, compression: false };
    if (await hasLostItsHead(folder)) await repair(folder);
    // Begins to open itself at once.
    const level = new Level<string, Uint8Array>(folder, options);
    await level.open().catch(async (error: unknown) => {
      if (!isCorruption(error)) throw error;
      await repair(folder);
      await level.open();
    });
    await syncFolder(dirname(folder));
    return new SmallBlocks(folder, level, how);
  }

  /** False once a write has failed. */
  get isWritable(): boolean {
    return this.#failure === undefined;
  }

  /** After a failure: opens it again where that may help. Answers whether it takes blocks. */
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

  /** Stores all of them; they survive the loss of power when answered. */
  async put(account: string, blocks: readonly Block[]): Promise<void> {
    const puts = blocks.map(({ digest, data }) => ({ type: 'put', key: key(account, digest), value: data }) as const);
    await this.#write(async () => this.#level.batch(puts, { sync: true, ...UNIFORM }));
  }

  /** As they are stored; `undefined` if there are none, or the database is damaged where they would be. */
  async get(account: string, digest: string): Promise<Uint8Array | undefined> {
    for (;;) {
      await this.#readable();
      try {
        return await this.#level.get(key(account, digest));
      } catch (error) {
        if (isCorruption(error)) return undefined;
        // It may have been closed under this call.
        if (this.#opening === undefined) throw error;
      }
    }
  }

  /** One that is not there is no error. May come back after the loss of power, as a removed file may. */
  async remove(account: string, digest: string): Promise<void> {
    if (!this.isWritable && (await this.get(account, digest)) === undefined) return;
    await this.#write(async () => this.#level.del(key(account, digest)));
  }

  async *list(account: string): AsyncGenerator<string> {
    await this.#readable();
    for await (const found of this.#level.keys({ gte: key(account, ''), lt: key(account, 'g') })) {
      yield found.slice(account.length + 1);
    }
  }

  async close(): Promise<void> {
    await this.#opening;
    await this.#level.close();
  }

  /** Never throws. */
  async #reopen(): Promise<void> {
    try {
      await this.#level.close();
      await this.#level.open();
      this.#failure = undefined;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Waits until it is open; one that could not be opened is tried again. */
  async #readable(): Promise<void> {
    if (this.#opening === undefined && this.#level.status === 'open') return;
    await (this.#opening ?? this.recover());
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

/** True if there are tables and no file that names them: LevelDB would begin anew and delete them. */
async function hasLostItsHead(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => []);
  return !names.includes('CURRENT') && names.some((name) => /\.(ldb|log)$/.test(name));
}

/** True if something in the database is not what LevelDB wrote, or a file of it is gone. */
function isCorruption(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, message } = at as NodeJS.ErrnoException;
    if (code === 'LEVEL_CORRUPTION' || (code === 'LEVEL_IO_ERROR' && message.includes('No such file'))) return true;
  }
  return false;
}

/** Hexadecimal digests sort before 'g'. */
function key(account: string, digest: string): string {
  return `${account}/${digest}`;
}

/** The names in a folder survive the loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; its file system journals names by itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
