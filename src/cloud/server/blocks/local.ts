import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, opendir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Refusal } from '../refusal.ts';
import type { Block, BlockStore } from './block-store.ts';

const isDigest = /^[0-9a-f]{64}$/;

/**
 * Blocks as files: `<folder>/<account>/<first two digits>/<digest>`. A file is written under a temporary name, synced
 * and renamed, so one that has its name is whole; then the folder is synced.
 */
export class LocalBlockStore implements BlockStore {
  readonly #folder: string;
  readonly #temporary: string;
  readonly #known = new Set<string>();

  private constructor(folder: string) {
    this.#folder = folder;
    this.#temporary = join(folder, 'tmp');
  }

  /** Clears what a killed process left half written. One process at a time may have the folder. */
  static async open(folder: string): Promise<LocalBlockStore> {
    const store = new LocalBlockStore(folder);
    await rm(store.#temporary, { recursive: true, force: true });
    await mkdir(store.#temporary, { recursive: true, mode: 0o700 });
    return store;
  }

  async put(account: string, blocks: readonly Block[]): Promise<void> {
    for (const block of blocks) verify(block);
    const folders = new Set(blocks.map(({ digest }) => dirname(this.#path(account, digest))));
    for (const folder of folders) await this.#makeFolder(folder);
    await Promise.all(blocks.map(async (block) => this.#write(this.#path(account, block.digest), block.data)));
    await Promise.all([...folders].map(syncFolder));
  }

  async get(account: string, digest: string): Promise<Uint8Array> {
    try {
      return await readFile(this.#path(account, digest));
    } catch (cause) {
      throw new Refusal('internal', 'a block cannot be read', { cause });
    }
  }

  async remove(account: string, digest: string): Promise<void> {
    await unlink(this.#path(account, digest)).catch(ignoreAbsence);
  }

  async *list(account: string): AsyncGenerator<string> {
    const top = join(this.#folder, account);
    for await (const folder of await openFolder(top)) {
      for await (const { name } of await openFolder(join(top, folder.name))) if (isDigest.test(name)) yield name;
    }
  }

  async #write(path: string, data: Uint8Array): Promise<void> {
    const temporary = join(this.#temporary, randomUUID());
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(data);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  }

  // A folder's own name is on disk before the first block in it is promised.
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

function verify({ digest, data }: Block): void {
  if (createHash('sha256').update(data).digest('hex') === digest) return;
  throw new Refusal('digest_mismatch', `the bytes of block ${digest} have another digest`);
}

async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; its file system journals names by itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
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
