import type { FastifyBaseLogger } from 'fastify';
import { markDamaged, stateOf } from '../meta/damaged-blocks.ts';
import type { Db } from '../meta/schema.ts';
import { Refusal } from '../refusal.ts';
import type { BlockStore, GetOptions } from './block-store.ts';
import { SpareMemory } from './spare-memory.ts';

export interface BlockReaderOptions {
  readonly db: Db;
  readonly store: BlockStore;
  readonly log: Pick<FastifyBaseLogger, 'error'>;
}

export type ReadOptions = Pick<GetOptions, 'unverified' | 'size'>;

/**
 * Reads blocks for every response of the service. If the bytes of a stored block are lost or damaged, the block is
 * recorded as damaged: from then on it counts as missing, so that the next upload heals it. Safe to call concurrently.
 */
export class BlockReader {
  readonly #options: BlockReaderOptions;
  readonly #memory = new SpareMemory();
  readonly #take = (): Uint8Array => this.#memory.take();

  constructor(options: BlockReaderOptions) {
    this.#options = options;
  }

  /**
   * The bytes, verified unless the receiver does that; `release` makes their memory available to others.
   * @throws Refusal damaged; not_found if no version contains the block any more
   */
  async read(account: string, digest: string, how: ReadOptions = {}): Promise<Uint8Array> {
    const data = (await this.#get(account, digest, how)) ?? (await this.#again(account, digest));
    if (data !== undefined) return data;
    const state = await stateOf(this.#options.db, account, digest);
    if (state === undefined || state.state === 'condemned')
      throw new Refusal('not_found', 'the version no longer exists');
    throw new Refusal('damaged', 'the stored content is damaged; an upload of the same content repairs it');
  }

  /**
   * Whether the block's bytes are present and match its digest. If not, and the block is `stored`, it is recorded as
   * damaged.
   */
  async isIntact(account: string, digest: string): Promise<boolean> {
    const data = (await this.#get(account, digest)) ?? (await this.#again(account, digest));
    if (data !== undefined) this.release(data);
    return data !== undefined;
  }

  /** The caller of `read` uses the block, of which `part` is, no more. Whoever does not call this leaves it to the collector. */
  release(part: Uint8Array): void {
    this.#memory.give(part);
  }

  async #get(account: string, digest: string, how: ReadOptions = {}): Promise<Uint8Array | undefined> {
    return await this.#options.store.get(account, digest, { ...how, memory: this.#take });
  }

  /** Reads once more before recording: an upload may have replaced the unreadable block in the meantime. */
  async #again(account: string, digest: string): Promise<Uint8Array | undefined> {
    const { db, log } = this.#options;
    const before = await stateOf(db, account, digest);
    if (before?.state !== 'stored') return undefined;
    const data = await this.#get(account, digest);
    if (data !== undefined) return data;
    if (await markDamaged(db, account, digest, before.generation)) {
      log.error(
        { account, block: digest },
        'a stored block is lost or damaged; clients will be asked to upload it again',
      );
    }
    return undefined;
  }
}
