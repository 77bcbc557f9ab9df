import { hash, randomUUID } from 'node:crypto';
import { closeSync, open as openFile, read } from 'node:fs';
import { mkdir, open, opendir, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BLOCK_SIZE } from '../../../vfs/block.ts';
import { Refusal } from '../refusal.ts';
import type { Block, BlockStore, GetOptions } from './block-store.ts';
import { SmallBlocks, type SmallBlocksOptions, syncFolder } from './small-blocks.ts';

const isDigest = /^[0-9a-f]{64}$/;

/** Error codes that mean that a file is gone or unreadable, as opposed to a lack of descriptors or memory. */
const LOST: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EIO', 'EUCLEAN']);

/** Blocks up to this size, in bytes, are stored in the LevelDB. */
const SMALL = 64 * 1024;

/**
 * Stores blocks in a folder. Small ones are in a LevelDB in `<folder>/small`. Larger ones, and small ones stored before
 * that LevelDB was introduced, are files: `<folder>/<account>/<first two digits>/<digest>`. A file is written under a
 * temporary name, synced and renamed, so a file with its final name is complete; then the folder is synced.
 */
export class LocalBlockStore implements BlockStore {
  readonly #folder: string;
  readonly #temporary: string;
  readonly #small: SmallBlocks;
  readonly #known = new Set<string>();

  private constructor(folder: string, temporary: string, small: SmallBlocks) {
    this.#folder = folder;
    this.#temporary = temporary;
    this.#small = small;
  }

  /** Opens the folder and removes partial files of a killed process. Only one process at a time may use the folder. */
  static async open(folder: string, how: SmallBlocksOptions = {}): Promise<LocalBlockStore> {
    const temporary = join(folder, 'tmp');
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    return new LocalBlockStore(folder, temporary, await SmallBlocks.open(join(folder, 'small'), how));
  }

  async put(account: string, blocks: readonly Block[]): Promise<void> {
    for (const block of blocks) verify(block);
    // While the LevelDB cannot be written, small blocks are stored as files.
    const limit = (await this.#small.recover()) ? SMALL : 0;
    const small = blocks.filter(({ data }) => data.length <= limit);
    const large = blocks.filter(({ data }) => data.length > limit);
    if (large.length > 0) await this.#writeFiles(account, large);
    if (small.length > 0) await this.#small.put(account, small);
  }

  async get(
    account: string,
    digest: string,
    { memory = fresh, unverified = false, size = 0 }: GetOptions = {},
  ): Promise<Uint8Array | undefined> {
    const fromFile = () => readFile(this.#path(account, digest), memory);
    const fromLevel = () => this.#small.get(account, digest);
    for (const get of size > SMALL ? [fromFile, fromLevel] : [fromLevel, fromFile]) {
      const data = await get();
      if (data !== undefined && (unverified || digestOf(data) === digest)) return data;
    }
    return undefined;
  }

  async remove(account: string, digest: string): Promise<void> {
    await this.#small.remove(account, digest);
    await unlink(this.#path(account, digest)).catch(ignoreAbsence);
  }

  async *list(account: string): AsyncGenerator<string> {
    for await (const digest of this.#files(account)) {
      if ((await this.#small.get(account, digest)) === undefined) yield digest;
    }
    yield* this.#small.list(account);
  }

  /** Calls after this one fail. */
  async close(): Promise<void> {
    await this.#small.close();
  }

  async *#files(account: string): AsyncGenerator<string> {
    const top = join(this.#folder, account);
    for await (const folder of await openFolder(top)) {
      for await (const { name } of await openFolder(join(top, folder.name))) if (isDigest.test(name)) yield name;
    }
  }

  async #writeFiles(account: string, blocks: readonly Block[]): Promise<void> {
    const folders = new Set(blocks.map(({ digest }) => dirname(this.#path(account, digest))));
    for (const folder of folders) await this.#makeFolder(folder);
    // Waits for all writes, also when one fails: no write may go on after the call has been rejected.
    const written = await Promise.allSettled(
      blocks.map(async (block) => this.#write(this.#path(account, block.digest), block.data)),
    );
    for (const one of written) if (one.status === 'rejected') throw one.reason;
    await Promise.all([...folders].map(syncFolder));
  }

  async #write(path: string, data: Uint8Array): Promise<void> {
    const temporary = join(this.#temporary, randomUUID());
    const file = await open(temporary, 'wx', 0o600);
    try {
      try {
        await file.writeFile(data);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(temporary, path).catch(async (error: unknown) => this.#renameAgain(error, temporary, path));
    } catch (error) {
      // Partial files must not fill the disk.
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Renames once more after recreating the folder, which may have been deleted since it was created. */
  async #renameAgain(error: unknown, from: string, to: string): Promise<void> {
    ignoreAbsence(error);
    this.#known.delete(dirname(to));
    await this.#makeFolder(dirname(to));
    await rename(from, to);
  }

  // The folder's own entry must be on disk before the first block in it is acknowledged.
  async #makeFolder(folder: string): Promise<void> {
    if (this.#known.has(folder)) return;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await syncFolder(dirname(folder));
    await syncFolder(this.#folder);
    this.#known.add(folder);
  }

  #path(account: string, digest: string): string {
    return join(this.#folder, account, digest.slice(0, 2), digest);
  }
}

function digestOf(data: Uint8Array): string {
  return hash('sha256', data, 'hex');
}

function verify({ digest, data }: Block): void {
  if (digestOf(data) === digest) return;
  throw new Refusal('digest_mismatch', `the bytes of block ${digest} have another digest`);
}

/**
 * What a block's file begins with, as many bytes as a block can have. `undefined` if there is no file that could be a block,
 * or the disk cannot read it.
 */
async function readFile(path: string, memory: () => Uint8Array): Promise<Uint8Array | undefined> {
  try {
    const fd = await openToRead(path);
    try {
      const data = memory();
      for (let at = 0; at < data.length;) {
        const count = await readPart(fd, data, at);
        if (count === 0) return data.subarray(0, at);
        at += count;
      }
      return data;
    } finally {
      // Nothing was written, so this waits for nothing, and is cheaper than a turn in libuv's pool.
      closeSync(fd);
    }
  } catch (error) {
    if (LOST.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

// Callbacks, as a `FileHandle` costs as much as the call itself.
function openToRead(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    openFile(path, 'r', (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

/** Reads what follows the first `at` bytes. Resolves to their number. */
function readPart(fd: number, data: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, data, at, data.length - at, at, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

function fresh(): Uint8Array {
  return Buffer.allocUnsafeSlow(BLOCK_SIZE);
}

async function openFolder(folder: string): Promise<AsyncIterable<{ name: string }>> {
  try {
    return await opendir(folder);
  } catch (error) {
    ignoreAbsence(error);
    return (async function* none() {})();
  }
}

function ignoreAbsence(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
