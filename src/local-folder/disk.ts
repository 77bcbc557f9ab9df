import { WorkerThread } from '../threads/worker-thread.ts';
import type { ContentEnd, Chunk } from './disk-reader.ts';
import type { DiskRequest, DiskResponse } from './disk-thread.ts';
import type { FileAttributes, Placement, Settled } from './disk-writer.ts';
import type { Folding } from './grounds.ts';
import type { LocalMark } from './known.ts';
import type { Leftover, Origin, Review } from './old-files.ts';

/** A synced folder, read and changed on a thread of its own: a disk that hangs holds up that thread and nothing else. See `DiskRequest`. */
export class Disk {
  readonly #thread: WorkerThread<DiskRequest, DiskResponse>;

  /** @param folder absolute */
  constructor(folder: string) {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const program = new URL(`./disk-thread.${extension}`, import.meta.url);
    this.#thread = new WorkerThread(program, { name: 'folder', data: { folder } });
  }

  prepare(id: string): Promise<void> {
    return this.#thread.request<undefined>({ ask: 'prepare', id });
  }

  /** Removes what `prepare` has made. */
  unmark(): Promise<void> {
    return this.#thread.request<undefined>({ ask: 'unmark' });
  }

  /** Why the folder cannot be synced now. */
  check(id: string): Promise<string | undefined> {
    return this.#thread.request<string | undefined>({ ask: 'check', id });
  }

  folding(): Promise<Folding> {
    return this.#thread.request<Folding>({ ask: 'fold' });
  }

  /** Whether a file can have this very name. */
  holds(name: string): Promise<boolean> {
    return this.#thread.request<boolean>({ ask: 'holds', name });
  }

  /** See `OldFiles`. */
  leftovers(): Promise<readonly Leftover[]> {
    return this.#thread.request<readonly Leftover[]>({ ask: 'leftovers' });
  }

  /** A leftover is an old file. */
  keep(name: string, origin: Origin): Promise<void> {
    return this.#thread.request<undefined>({ ask: 'keep', name, origin });
  }

  /** A leftover is of no use. */
  drop(name: string): Promise<void> {
    return this.#thread.request<undefined>({ ask: 'drop', name });
  }

  /** What has become of the old files. */
  review(): Promise<Review> {
    return this.#thread.request<Review>({ ask: 'review' });
  }

  /** Gives an old file a name in the folder. @throws EEXIST; errors of node:fs */
  rescue(name: string, path: string): Promise<void> {
    return this.#thread.request<undefined>({ ask: 'rescue', name, path });
  }

  look(path: string): Promise<LocalMark | null> {
    return this.#thread.request<LocalMark | null>({ ask: 'look', path });
  }

  /** Passes a file's content to `take`, block by block. @throws ESTALE if it is no file; what `take` throws; errors of node:fs */
  async read(path: string, take: (data: Uint8Array) => unknown): Promise<ContentEnd> {
    const token = await this.#thread.request<number>({ ask: 'open', path });
    try {
      for (;;) {
        const { data, end } = await this.#thread.request<Chunk>({ ask: 'read', token });
        if (end) return end;
        await take(data);
      }
    } finally {
      await this.#thread.request<undefined>({ ask: 'close', token }).catch(() => undefined);
    }
  }

  /** A file's content, block by block; less of it, or nothing, if it cannot be read. The file may be written meanwhile. */
  async *blocks(path: string): AsyncGenerator<Uint8Array> {
    const token = await this.#thread.request<number>({ ask: 'open', path }).catch(() => undefined);
    if (token === undefined) return;
    try {
      for (;;) {
        const { data, end } = await this.#thread.request<Chunk>({ ask: 'read', token });
        if (end) return;
        yield data;
      }
    } catch {
      return;
    } finally {
      await this.#thread.request<undefined>({ ask: 'close', token }).catch(() => undefined);
    }
  }

  /** Writes a file of any size. @throws ESTALE, EEXIST, ENOSPC; errors of node:fs, and of `chunks` */
  async write(chunks: AsyncIterable<Uint8Array>, placement: () => Placement): Promise<LocalMark> {
    const token = await this.#thread.request<number>({ ask: 'begin' });
    try {
      for await (const data of chunks) await this.#thread.request<undefined>({ ask: 'write', token, data });
      return await this.#thread.request<LocalMark>({ ask: 'finish', token, ...placement() });
    } catch (error) {
      await this.#thread.request<undefined>({ ask: 'discard', token }).catch(() => undefined);
      throw error;
    }
  }

  place(files: readonly (Placement & { readonly data: Uint8Array })[]): Promise<readonly Settled[]> {
    return this.#thread.request<readonly Settled[]>({ ask: 'place', files });
  }

  mkdir(path: string, mode: number): Promise<LocalMark> {
    return this.#thread.request<LocalMark>({ ask: 'mkdir', path, mode });
  }

  symlink(path: string, target: string, expect: string | null): Promise<LocalMark> {
    return this.#thread.request<LocalMark>({ ask: 'symlink', path, target, expect });
  }

  move(from: string, to: string, expect: string): Promise<LocalMark> {
    return this.#thread.request<LocalMark>({ ask: 'move', from, to, expect });
  }

  attributes(path: string, expect: string, attributes: FileAttributes): Promise<LocalMark> {
    return this.#thread.request<LocalMark>({ ask: 'attributes', path, expect, attributes });
  }

  /** @param hash of its content, see `contentHash` */
  remove(path: string, expect: string, hash: string | undefined): Promise<void> {
    return this.#thread.request<undefined>({ ask: 'remove', path, expect, hash });
  }

  rmdir(path: string): Promise<void> {
    return this.#thread.request<undefined>({ ask: 'rmdir', path });
  }

  /** Ends the thread; what it does last is done, or not, as a whole. */
  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}
