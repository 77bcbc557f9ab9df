import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BLOCK_SIZE, type BlockFile, blockCount, contentHash } from '../../src/vfs/block.ts';
import type { BlockSource, Content } from '../../src/cache/content/content.ts';
import type { Context } from '../../src/vfs/context.ts';
import { FsError } from '../../src/vfs/fs-error.ts';

/** A source of blocks in memory that counts requests and fails on demand. */
export class MemorySource implements BlockSource {
  readonly #versions = new Map<string, Uint8Array>();
  /** How often each block was sent, by `version/index`. */
  readonly sent = new Map<string, number>();
  /** Blocks in each request. */
  readonly requests: number[] = [];
  /** Called before each block and manifest; it can throw to make the request fail. */
  before: (version: string, index: number) => void | Promise<void> = () => undefined;
  /** Changes the sent block, and its digest. */
  garble: ((data: Uint8Array) => Uint8Array) | undefined;
  /** ms before the first block of a request. */
  delay = 0;
  /** Whether a block is written into the file that the request has for it. */
  writes: (index: number) => boolean = () => true;
  /** Called when one has been, before the store knows. */
  wrote: (index: number) => void | Promise<void> = () => undefined;
  /** Files that are not released yet. */
  lent = 0;

  add(version: string, data: Uint8Array): Content {
    this.#versions.set(version, Buffer.from(data));
    return { version, size: data.length, hash: contentHash(digestsOf(data)) };
  }

  remove(version: string): void {
    this.#versions.delete(version);
  }

  async manifest(version: string, { signal }: Context): Promise<Uint8Array> {
    signal.throwIfAborted();
    await this.before(version, -1);
    return digestsOf(this.#get(version));
  }

  async *blocks(requests: Parameters<BlockSource['blocks']>[0], { signal }: Context) {
    this.requests.push(requests.length);
    if (this.delay > 0) await sleep(this.delay);
    for (const { version, index, length, file } of requests) {
      signal.throwIfAborted();
      await this.before(version, index);
      // A copy, as the caller owns the memory.
      const block = new Uint8Array(this.#get(version).subarray(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE));
      const data = this.garble?.(block) ?? block;
      this.sent.set(`${version}/${index}`, (this.sent.get(`${version}/${index}`) ?? 0) + 1);
      const isWritten = data.length === length && (await this.#write(index, data, file));
      yield {
        version,
        index,
        digest: sha256(data).toString('hex'),
        data: isWritten ? new Uint8Array() : data,
        isWritten,
      };
    }
  }

  async #write(index: number, data: Uint8Array, file: (() => BlockFile | undefined) | undefined): Promise<boolean> {
    const place = file?.();
    if (place === undefined) return false;
    this.lent++;
    try {
      if (!this.writes(index)) return false;
      writeSync(place.fd, data, 0, data.length, place.position);
      await this.wrote(index);
      return true;
    } finally {
      place.release();
      this.lent--;
    }
  }

  #get(version: string): Uint8Array {
    const data = this.#versions.get(version);
    if (data === undefined) throw new FsError('ENOENT', 'read', { subject: version });
    return data;
  }
}

/** The raw digests of a content's blocks, computed in the simplest way. */
export function digestsOf(data: Uint8Array): Uint8Array {
  const blocks = Array.from({ length: blockCount(data.length) }, (_, index) =>
    sha256(data.subarray(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE)),
  );
  return Buffer.concat(blocks);
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
