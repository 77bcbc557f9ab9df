import type { BlockFile } from '../../vfs/block.ts';
import type { BlockMemory } from './block-memory.ts';
import type { BlockSource } from './content.ts';

/** Most blocks of one content in one request. */
const BATCH = 8;
/** Most bytes and blocks in a request for the blocks of several small contents. */
const MIXED_BYTES = 8 * 1024 * 1024;
const MIXED_BLOCKS = 500;
/** Requests under way for blocks nobody waits for yet, and for all. */
const AHEAD_REQUESTS = 4;
const ALL_REQUESTS = 8;

export interface FetchedBlock {
  readonly digest: string;
  readonly data: Uint8Array;
  /** True if the bytes are in the file of the want, and `data` is empty. */
  readonly isWritten?: boolean | undefined;
}

/** A block that is wanted. Compared by identity. */
export interface Want {
  readonly version: string;
  readonly index: number;
  /** Bytes. */
  readonly length: number;
  /** Where it may be written, if there is room. Called for each try. */
  readonly file?: (() => BlockFile | undefined) | undefined;
  /** Whether somebody waits for it. */
  isUrgent(): boolean;
  /** The next block of the same request is taken when this has answered for the one before. Must not throw. */
  deliver(block: FetchedBlock): Promise<void>;
  fail(error: unknown): void;
}

export interface BlockFetcherParts {
  readonly source: BlockSource;
  readonly memory: BlockMemory;
  /** Takes so many bytes of the disk, for blocks that are written into files; false if they cannot be had. */
  readonly room: (bytes: number) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Gets blocks from the source, several in one request and a few requests at a time, those that somebody waits for
 * first. It keeps nothing: a block that failed can be wanted again at once.
 */
export class BlockFetcher {
  readonly #source: BlockSource;
  readonly #signal: AbortSignal;
  readonly #memory: BlockMemory;
  readonly #room: (bytes: number) => Promise<boolean>;
  readonly #queue = new Set<Want>();
  #running = 0;
  #scheduled = false;

  constructor({ source, memory, room, signal }: BlockFetcherParts) {
    this.#source = source;
    this.#memory = memory;
    this.#room = room;
    this.#signal = signal;
  }

  want(want: Want): void {
    this.#queue.add(want);
    this.wake();
  }

  /** Takes a want back; false if it is on its way already. */
  cancel(want: Want): boolean {
    return this.#queue.delete(want);
  }

  /** Looks at the queue again; to be called, too, when a want has become urgent. */
  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // What is wanted in the same turn shares requests.
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#start();
    });
  }

  #start(): void {
    while (this.#queue.size > 0 && this.#running < ALL_REQUESTS) {
      const urgent = this.#firstUrgent();
      if (urgent === undefined && this.#running >= AHEAD_REQUESTS) return;
      const first = urgent ?? this.#queue.values().next().value;
      if (first === undefined) return;
      const batch = this.#batch(first);
      this.#running++;
      void this.#run(batch).finally(() => {
        this.#running--;
        this.wake();
      });
    }
  }

  #firstUrgent(): Want | undefined {
    for (const want of this.#queue) if (want.isUrgent()) return want;
    return undefined;
  }

  /** The first one with more of the same version; where nobody waits, also with those of others. */
  #batch(first: Want): Want[] {
    const batch = [first];
    for (const want of this.#queue) {
      if (batch.length >= BATCH) break;
      if (want !== first && want.version === first.version) batch.push(want);
    }
    if (!first.isUrgent() && batch.length < BATCH) this.#fill(batch);
    for (const want of batch) this.#queue.delete(want);
    return batch;
  }

  #fill(batch: Want[]): void {
    const known = new Set(batch);
    let bytes = batch.reduce((sum, want) => sum + want.length, 0);
    for (const want of this.#queue) {
      if (batch.length >= MIXED_BLOCKS) return;
      if (known.has(want) || want.isUrgent() || bytes + want.length > MIXED_BYTES) continue;
      bytes += want.length;
      batch.push(want);
    }
  }

  async #run(batch: Want[]): Promise<void> {
    const waiting = new Map(batch.map((want) => [key(want), want]));
    let delivered = Promise.resolve();
    try {
      const bytes = batch.reduce((sum, { file, length }) => sum + (file === undefined ? 0 : length), 0);
      const isRoom = bytes > 0 && (await this.#room(bytes).catch(() => false));
      const requests = batch.map(({ version, index, length, file }) => {
        return isRoom ? { version, index, length, file } : { version, index, length };
      });
      for await (const block of this.#source.blocks(requests, { signal: this.#signal }, this.#memory.take)) {
        const want = waiting.get(key(block));
        if (want === undefined) continue;
        waiting.delete(key(block));
        // Two blocks of a request in memory: one on its way to the disk, one on its way from the network.
        await delivered;
        delivered = want.deliver(block);
      }
      if (waiting.size > 0) throw new Error('the source ended before the last block');
    } catch (error) {
      this.#fail([...waiting.values()], batch, error);
    }
    await delivered;
  }

  /** One content's fault must not become another's: who waits in a mixed request gets a request of its own. */
  #fail(left: readonly Want[], batch: readonly Want[], error: unknown): void {
    const mixed = batch.some((want) => want.version !== batch[0]?.version);
    for (const want of left) {
      if (mixed && want.isUrgent() && !this.#signal.aborted) this.#queue.add(want);
      else want.fail(error);
    }
  }
}

function key({ version, index }: { readonly version: string; readonly index: number }): string {
  return `${index}/${version}`;
}
