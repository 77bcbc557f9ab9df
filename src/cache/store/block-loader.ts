import { LRUCache } from 'lru-cache';
import type { Context } from '../../vfs/context.ts';
import { FsError, asFsError, isFsError } from '../../vfs/fs-error.ts';
import { BLOCK_SIZE, blockLength, digestOf, blockCount, zeros } from '../../vfs/block.ts';
import { BlockMemory } from '../content/block-memory.ts';
import { BlockFetcher, type FetchedBlock, type Want } from '../content/block-fetcher.ts';
import type { BlockSource, Content } from '../content/content.ts';
import { raceAbort, SingleFlight } from '../content/single-flight.ts';
import type { Manifests } from '../content/manifests.ts';
import type { StoreIndex } from './store-index.ts';
import type { BlockPlace, StoredContent } from './stored-content.ts';

/** Most bytes of blocks that are kept in memory because the disk has no space for them. */
const UNPERSISTED = 48 * 1024 * 1024;

interface Load {
  readonly key: string;
  readonly stored: StoredContent;
  readonly content: Content;
  readonly index: number;
  readonly flight: SingleFlight;
  /** Whether no reader has asked for it. */
  bulk: boolean;
  /** Called when nothing more is done for it. */
  readonly ends: (() => void)[];
}

/** How a block is fetched: whether the source may write it into the file by itself. */
interface Way {
  readonly toFile: boolean;
}

const FILE: Way = { toFile: true };
/** Where the file has failed already, and where the block may be a hole, which only its bytes tell. */
const MEMORY: Way = { toFile: false };

/**
 * Loads blocks into memory or to the disk, each only once for all concurrent callers. Blocks on the disk are checked
 * against their digests; others are fetched from the source, and written to the disk.
 */
export class BlockLoader {
  readonly #index: StoreIndex;
  readonly #manifests: Manifests;
  readonly #fetcher: BlockFetcher;
  readonly #signal: AbortSignal;
  readonly #loads = new Map<string, Load>();
  readonly #memory = new BlockMemory();
  readonly #unpersisted = new LRUCache<string, Uint8Array>({
    maxSize: UNPERSISTED,
    sizeCalculation: (data) => data.length,
  });

  constructor(index: StoreIndex, manifests: Manifests, source: BlockSource, signal: AbortSignal) {
    this.#index = index;
    this.#manifests = manifests;
    this.#signal = signal;
    const room = (bytes: number): Promise<boolean> => index.room(bytes);
    this.#fetcher = new BlockFetcher({ source, memory: this.#memory, room, signal });
  }

  /** The load of a block. A caller that waits for it must call `hurry` in the same turn. */
  load(stored: StoredContent, content: Content, index: number): SingleFlight {
    const load = this.#begin(stored, content, index, false);
    load.bulk = false;
    return load.flight;
  }

  /**
   * Fetches a block to the disk, after everything that readers have asked for. Resolves when it is there; false if the disk has no room
   * for it. @throws what the source throws; EINTR when aborted
   */
  async fetch(stored: StoredContent, content: Content, index: number, signal: AbortSignal): Promise<boolean> {
    if (stored.present.has(index)) return true;
    const { flight, ends } = this.#begin(stored, content, index, true);
    const leave = flight.join();
    try {
      await raceAbort(new Promise<void>((resolve) => ends.push(resolve)), signal, 'fetch');
    } finally {
      leave();
    }
    await flight.ended();
    return stored.present.has(index);
  }

  #begin(stored: StoredContent, content: Content, index: number, bulk: boolean): Load {
    const key = keyOf(stored, index);
    const known = this.#loads.get(key);
    if (known !== undefined) return known;
    const load: Load = { key, stored, content, index, flight: new SingleFlight(), bulk, ends: [] };
    this.#loads.set(key, load);
    this.#index.acquire(stored.hash, stored.size);
    if (stored.present.has(index)) void this.#check(load);
    else this.#get(load, FILE);
    return load;
  }

  /** A recently loaded block, which must be copied in this turn. */
  recent(stored: StoredContent, index: number): Uint8Array | undefined {
    return this.#memory.get(keyOf(stored, index));
  }

  /**
   * Whether a block is of zeros by the list of digests, and the end of the blocks of which the same is true. Where the list cannot be had,
   * none is known to be.
   */
  async zeros(content: Content, index: number, context: Context): Promise<{ zeros: boolean; end: number }> {
    const count = blockCount(content.size);
    if (count === 1) return { zeros: false, end: count };
    try {
      await this.#manifests.get(content, context);
    } catch (error) {
      if (isFsError(error, 'EINTR')) throw error;
      return { zeros: false, end: count };
    }
    const zeros = this.#manifests.isZeros(content, index);
    let end = index + 1;
    while (end < count && this.#manifests.isZeros(content, end) === zeros) end++;
    return { zeros, end };
  }

  /** Blocks that were waiting for their turn may be wanted by a reader now. */
  hurry(): void {
    this.#fetcher.wake();
  }

  async #check(load: Load): Promise<void> {
    const { stored, content, index, flight } = load;
    const data = Buffer.allocUnsafeSlow(blockLength(stored.size, index));
    const digest = await read(stored, index, data);
    try {
      if (digest !== undefined && (await this.#manifests.matches(content, index, digest))) {
        stored.markReady(index);
        flight.land(data);
        this.#done(load);
        return;
      }
    } catch (error) {
      flight.fail(error);
      this.#done(load);
      return;
    }
    if (stored.present.has(index)) {
      this.#index.changed(stored, -stored.lose(index));
    }
    this.#get(load, MEMORY);
  }

  #get(load: Load, how: Way): void {
    const unpersisted = this.#unpersisted.get(load.key);
    if (unpersisted !== undefined) {
      load.flight.land(unpersisted);
      this.#done(load);
      return;
    }
    if (blockCount(load.stored.size) === 1) this.#fetch(load, MEMORY);
    else void this.#getListed(load, how);
  }

  /**
   * Loads a block of a content with several. The list of digests, which is needed anyway, may show that it is zeros.
   */
  async #getListed(load: Load, how: Way): Promise<void> {
    const { content, index, flight, stored } = load;
    try {
      await this.#manifests.get(content, { signal: this.#signal });
      if (!this.#manifests.isZeros(content, index)) return this.#fetch(load, how);
      flight.land(zeros(blockLength(stored.size, index)));
      await this.#keepZeros(load);
    } catch (error) {
      flight.fail(asFsError(error, 'read', content.version));
    }
    this.#done(load);
  }

  /**
   * Records a block of zeros. It takes no space, so none is reserved; if recording fails, the block is as easy to
   * produce again.
   */
  async #keepZeros({ stored, content, index }: Load): Promise<void> {
    try {
      const taken = await stored.write(index, zeros(blockLength(content.size, index)));
      if (taken !== undefined) this.#index.changed(stored, taken);
    } catch {
      // As in `#keep`, a full or broken disk must not fail a read.
    }
  }

  #fetch(load: Load, { toFile }: Way): void {
    let place: BlockPlace | undefined;
    const want: Want = {
      version: load.content.version,
      index: load.index,
      length: blockLength(load.stored.size, load.index),
      ...(toFile ? { file: () => (place = placeOf(load)) } : {}),
      isUrgent: () => load.flight.isUrgent,
      isBulk: () => load.bulk && !load.flight.isUrgent,
      deliver: (block) => this.#arrive(load, block, place),
      fail: (error) => {
        load.flight.fail(error);
        this.#done(load);
      },
    };
    load.flight.onAbandoned(() => {
      if (!this.#fetcher.cancel(want)) return;
      load.flight.fail(new FsError('EINTR', 'read', { reason: 'no reader is waiting for the block any more' }));
      this.#done(load);
    });
    this.#fetcher.want(want);
  }

  async #arrive(
    load: Load,
    { digest, data, isWritten = false }: FetchedBlock,
    place: BlockPlace | undefined,
  ): Promise<void> {
    const { stored, content, index, flight } = load;
    try {
      const right = isWritten || data.length === blockLength(stored.size, index);
      if (!right || !(await this.#manifests.matches(content, index, Buffer.from(digest, 'hex')))) {
        throw new FsError('EIO', 'read', {
          subject: content.version,
          reason: `block ${index} from the cloud does not have the expected digest`,
        });
      }
      if (isWritten) {
        // Its bytes went into a file that has been replaced meanwhile.
        if (place?.isCurrent() !== true) return this.#fetch(load, MEMORY);
        const taken = place.arrived();
        if (taken !== undefined) this.#index.changed(stored, taken);
        flight.land(undefined);
      } else {
        flight.land(data);
        await this.#keep(load, data);
      }
    } catch (error) {
      flight.fail(asFsError(error, 'read', content.version));
    }
    this.#done(load);
  }

  /**
   * Writes a block to the disk. A full or broken disk must not fail a read, so the block then stays in memory for a
   * while.
   */
  async #keep({ key, stored, index }: Load, data: Uint8Array): Promise<void> {
    try {
      const kept = (await this.#index.room(data.length)) && (await this.#write(stored, index, data));
      if (kept) this.#memory.keep(key, data);
      else this.#unpersisted.set(key, data);
    } catch {
      this.#unpersisted.set(key, data);
    }
  }

  async #write(stored: StoredContent, index: number, data: Uint8Array): Promise<boolean> {
    let taken: number | undefined;
    try {
      taken = await stored.write(index, data);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC' || !(await this.#index.clear(2 * BLOCK_SIZE)))
        return false;
      taken = await stored.write(index, data);
    }
    if (taken !== undefined) this.#index.changed(stored, taken);
    return true;
  }

  #done({ key, stored, ends }: Load): void {
    this.#loads.delete(key);
    this.#index.release(stored);
    for (const end of ends) end();
  }
}

/** Nothing if the file cannot be opened. */
function placeOf({ stored, index }: Load): BlockPlace | undefined {
  try {
    return stored.place(index);
  } catch {
    return undefined;
  }
}

function keyOf({ hash }: StoredContent, index: number): string {
  return `${hash}/${index}`;
}

/** The digest of the block on the disk; `undefined` if it cannot be read. */
async function read(stored: StoredContent, index: number, into: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    await stored.readAsync(into, index * BLOCK_SIZE);
    return await digestOf(into);
  } catch {
    return undefined;
  }
}
