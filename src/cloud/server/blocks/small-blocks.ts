import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Level } from 'level';
import type { Block } from './block-store.ts';

/** Bytes that LevelDB gathers in memory before it sorts them into a table; twice that may be held. */
const WRITE_BUFFER = 16 * 1024 * 1024;
/** Bytes of tables that are kept in memory. */
const READ_CACHE = 8 * 1024 * 1024;

/**
 * Small blocks as values of one LevelDB, by account and digest: all of a call are on disk after one sync. Methods are safe
 * to call concurrently. After a failed write nobody knows what LevelDB's log holds, so nothing more is written until the
 * folder is opened again; reading goes on.
 */
export class SmallBlocks {
  readonly #level: Level<string, Uint8Array>;
  #failure: Error | undefined;

  private constructor(level: Level<string, Uint8Array>) {
    this.#level = level;
  }

  /** @throws Error if the folder is open elsewhere or damaged */
  static async open(folder: string): Promise<SmallBlocks> {
    const options = { valueEncoding: 'view', writeBufferSize: WRITE_BUFFER, cacheSize: READ_CACHE, compression: false };
    const level = new Level<string, Uint8Array>(folder, options);
    await level.open();
    await syncFolder(dirname(folder));
    return new SmallBlocks(level);
  }

  /** False once a write has failed. */
  get isWritable(): boolean {
    return this.#failure === undefined;
  }

  /** Stores all of them; they survive the loss of power when answered. */
  async put(account: string, blocks: readonly Block[]): Promise<void> {
    const puts = blocks.map(({ digest, data }) => ({ type: 'put', key: key(account, digest), value: data }) as const);
    await this.#write(async () => this.#level.batch(puts, { sync: true }));
  }

  /** `undefined` if there is none. */
  async get(account: string, digest: string): Promise<Uint8Array | undefined> {
    return await this.#level.get(key(account, digest));
  }

  /** One that is not there is no error. May come back after the loss of power, as a removed file may. */
  async remove(account: string, digest: string): Promise<void> {
    if (!this.isWritable && (await this.get(account, digest)) === undefined) return;
    await this.#write(async () => this.#level.del(key(account, digest)));
  }

  async *list(account: string): AsyncGenerator<string> {
    for await (const found of this.#level.keys({ gte: key(account, ''), lt: key(account, 'g') })) {
      yield found.slice(account.length + 1);
    }
  }

  async close(): Promise<void> {
    await this.#level.close();
  }

  async #write(write: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await write();
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error('writing failed', { cause: error });
      throw error;
    }
  }
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
