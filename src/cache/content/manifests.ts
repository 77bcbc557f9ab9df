import { DigestList } from '../../vfs/digest-list.ts';
import { LRUCache } from 'lru-cache';
import type { Context } from '../../vfs/context.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { blockCount, contentHash, sameBytes, blockLength, zeroDigest } from '../../vfs/block.ts';
import type { BlockSource, Content } from './content.ts';
import { raceAbort } from './single-flight.ts';
import type { Op } from '../db/group-writer.ts';
import type { Table } from '../db/table.ts';

/** Lists read at a time, of which each may have megabytes. */
const PAGE = 20;
/** Bytes of manifests kept in memory. */
const MEMORY = 16 * 1024 * 1024;

/**
 * The digests of contents, stored in LevelDB once they were fetched. What the source sends is checked against the
 * content's hash, so wrong digests are never stored.
 */
export class Manifests {
  readonly #table: Table<string>;
  readonly #source: BlockSource;
  readonly #write: (ops: readonly Op[]) => void;
  readonly #life: Context;
  readonly #hot = new LRUCache<string, DigestList>({
    maxSize: MEMORY,
    sizeCalculation: (digests) => 36 * digests.length + 200,
  });
  readonly #asked = new Map<string, Promise<DigestList>>();

  constructor(table: Table<string>, source: BlockSource, life: Context, write: (ops: readonly Op[]) => void) {
    this.#table = table;
    this.#source = source;
    this.#life = life;
    this.#write = write;
  }

  /**
   * All digests of a content. @throws what the source throws; EIO if it sends digests that do not match the hash; EINTR
   * when aborted
   */
  async get(content: Content, { signal }: Context): Promise<DigestList> {
    const hot = this.#hot.get(content.hash);
    if (hot !== undefined) return hot;
    let asked = this.#asked.get(content.hash);
    if (asked === undefined) {
      asked = this.#load(content).finally(() => this.#asked.delete(content.hash));
      this.#asked.set(content.hash, asked);
    }
    return raceAbort(asked, signal, 'read');
  }

  /** All lists that are kept of contents whose size is known. */
  async *all(sizeOf: (hash: string) => number | undefined): AsyncGenerator<{ hash: string; list: DigestList }> {
    for (let gt = ''; ;) {
      const page = await this.#table.range({ gt, lt: 'g', limit: PAGE });
      for (const [hash, text] of page) {
        gt = hash;
        const size = sizeOf(hash);
        const list = size === undefined ? undefined : DigestList.from(Buffer.from(text, 'base64'), blockCount(size));
        if (list !== undefined) yield { hash, list };
      }
      if (page.length < PAGE) return;
    }
  }

  /** Whether a block is known to be of zeros; no source is asked. */
  isZeros({ hash, size }: Content, index: number): boolean {
    const list = this.#hot.get(hash);
    return list !== undefined && sameBytes(list.at(index), zeroDigest(blockLength(size, index)));
  }

  /** Whether the content's block at this index has this digest. */
  async matches(content: Content, index: number, digest: Uint8Array): Promise<boolean> {
    if (content.size > 0 && blockCount(content.size) === 1) return contentHash(digest) === content.hash;
    return sameBytes((await this.get(content, this.#life)).at(index), digest);
  }

  /**
   * Stores digests that are known to be right. Not needed for a single block, which is checked against the content's
   * hash.
   */
  keep({ hash, size }: Content, digests: DigestList): Op[] {
    return blockCount(size) > 1 ? [this.#put(hash, digests)] : [];
  }

  #put(hash: string, digests: DigestList): Op {
    this.#hot.set(hash, digests);
    return this.#table.put(hash, Buffer.from(digests.toBytes()).toString('base64'));
  }

  del(hash: string): Op {
    this.#hot.delete(hash);
    return this.#table.del(hash);
  }

  async #load(content: Content): Promise<DigestList> {
    if (content.size === 0) return DigestList.ofRuns([]);
    const known = await this.#known(content);
    if (known === undefined) return await this.#ask(content);
    this.#hot.set(content.hash, known);
    return known;
  }

  async #known(content: Content): Promise<DigestList | undefined> {
    const text = this.#table.get(content.hash);
    return text === undefined ? undefined : await listOf(content, Buffer.from(text, 'base64'));
  }

  async #ask(content: Content): Promise<DigestList> {
    const digests = await listOf(content, await this.#source.manifest(content.version, this.#life));
    if (digests === undefined) {
      throw new FsError('EIO', 'read', {
        subject: content.version,
        reason: 'the cloud sent block digests that do not match the content',
      });
    }
    this.#write([this.#put(content.hash, digests)]);
    return digests;
  }
}

/** The list in these bytes, if it matches the content's hash. */
async function listOf({ hash, size }: Content, bytes: Uint8Array): Promise<DigestList | undefined> {
  const digests = DigestList.from(bytes, blockCount(size));
  return (await digests?.hash()) === hash ? digests : undefined;
}
