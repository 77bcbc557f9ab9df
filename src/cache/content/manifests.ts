import { LRUCache } from 'lru-cache';
import type { Context } from '../../vfs/context.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { DIGEST_SIZE, blockCount, contentHash, digestAt, sameBytes } from '../../vfs/block.ts';
import type { BlockSource, Content } from './content.ts';
import { raceAbort } from './single-flight.ts';
import type { Op } from '../db/group-writer.ts';
import type { Table } from '../db/table.ts';

/** Bytes of manifests kept in memory. */
const MEMORY = 16 * 1024 * 1024;

/**
 * The digests of contents, kept in LevelDB once the source has told them. What the source tells is compared with the
 * content's hash, so nothing wrong is ever kept.
 */
export class Manifests {
  readonly #table: Table<string>;
  readonly #source: BlockSource;
  readonly #write: (ops: readonly Op[]) => void;
  readonly #life: Context;
  readonly #hot = new LRUCache<string, Uint8Array>({
    maxSize: MEMORY,
    sizeCalculation: (digests) => digests.length + 200,
  });
  readonly #asked = new Map<string, Promise<Uint8Array>>();

  constructor(table: Table<string>, source: BlockSource, life: Context, write: (ops: readonly Op[]) => void) {
    this.#table = table;
    this.#source = source;
    this.#life = life;
    this.#write = write;
  }

  /** All raw digests. @throws what the source throws; EIO if it tells others than the content's; EINTR when aborted */
  async get(content: Content, { signal }: Context): Promise<Uint8Array> {
    if (content.size === 0) return new Uint8Array();
    const known = this.#known(content);
    if (known !== undefined) return known;
    let asked = this.#asked.get(content.hash);
    if (asked === undefined) {
      asked = this.#ask(content).finally(() => this.#asked.delete(content.hash));
      this.#asked.set(content.hash, asked);
    }
    return raceAbort(asked, signal, 'read');
  }

  /** Whether a block with this digest is the content's block of that index. */
  async matches(content: Content, index: number, digest: Uint8Array): Promise<boolean> {
    if (content.size > 0 && blockCount(content.size) === 1) return contentHash(digest) === content.hash;
    return sameBytes(digestAt(await this.get(content, this.#life), index), digest);
  }

  /** Keeps digests that are known to be right, where they are needed: a single block is compared with the content's hash. */
  keep({ hash, size }: Content, digests: Uint8Array): Op[] {
    return blockCount(size) > 1 ? [this.#put(hash, digests)] : [];
  }

  #put(hash: string, digests: Uint8Array): Op {
    this.#hot.set(hash, digests);
    return this.#table.put(hash, Buffer.from(digests).toString('base64'));
  }

  del(hash: string): Op {
    this.#hot.delete(hash);
    return this.#table.del(hash);
  }

  #known({ hash }: Content): Uint8Array | undefined {
    const hot = this.#hot.get(hash);
    if (hot !== undefined) return hot;
    const text = this.#table.get(hash);
    if (text === undefined) return undefined;
    const digests = Buffer.from(text, 'base64');
    if (contentHash(digests) !== hash) return undefined;
    this.#hot.set(hash, digests);
    return digests;
  }

  async #ask(content: Content): Promise<Uint8Array> {
    const digests = await this.#source.manifest(content.version, this.#life);
    if (digests.length !== blockCount(content.size) * DIGEST_SIZE || contentHash(digests) !== content.hash) {
      throw new FsError('EIO', 'read', {
        subject: content.version,
        reason: 'the digests are not those of the content',
      });
    }
    this.#write([this.#put(content.hash, digests)]);
    return digests;
  }
}
