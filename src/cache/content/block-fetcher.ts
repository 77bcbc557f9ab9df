import type { BlockFile } from '../../vfs/block.ts';
import type { BlockMemory } from './block-memory.ts';
import type { BlockSource } from './content.ts';

/** Most blocks of one content in one request. */
const BATCH = 8;
/** Most bytes and blocks in a request for several small contents. */
const MIXED_BYTES = 8 * 1024 * 1024;
const MIXED_BLOCKS = 500;
/** Most requests in progress for what no reader has asked for, for read-ahead with those, and for all blocks. */
const BULK_REQUESTS = 2;
const AHEAD_REQUESTS = 4;
const ALL_REQUESTS = 8;

export interface FetchedBlock {
  readonly digest: string;
  readonly data: Uint8Array;
  /** True if the bytes are in the file of the want, and `data` is empty. */
  readonly isWritten?: boolean | undefined;
}

/** A requested block. Compared by identity. */
export interface Want {
  readonly version: string;
  readonly index: number;
  /** Bytes. */
  readonly length: number;
  /** Where the block may be written, if there is room. Called for each attempt. */
  readonly file?: (() => BlockFile | undefined) | undefined;
  /** Whether a reader is waiting for it. */
  isUrgent(): boolean;
  /** Whether it gives way to all others, as no reader has asked for it. */
  isBulk(): boolean;
  /** Receives the block. The next block of the same request is only read once this has resolved. Must not reject. */
  deliver(block: FetchedBlock): Promise<void>;
  fail(error: unknown): void;
}

export interface BlockFetcherParts {
  readonly source: BlockSource;
  readonly memory: BlockMemory;
  /** Reserves bytes of the disk for blocks that are written into files; false if there is no room. */
  readonly room: (bytes: number) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Fetches blocks from the source, several per request and a few requests at a time. Blocks that readers are waiting for
 * come first. It keeps no state of blocks: one that failed can be requested again at once.
 */
export class BlockFetcher {
  readonly #source: BlockSource;
  readonly #signal: AbortSignal;
  readonly #memory: BlockMemory;
  readonly #room: (bytes: number) => Promise<boolean>;
  readonly #queue = new Set<Want>();
  #running = 0;
  #runningBulk = 0;
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

  /** Withdraws a want; false if its request has already been sent. */
  cancel(want: Want): boolean {
    return this.#queue.delete(want);
  }

  /** Processes the queue. To be called also when a want has become urgent. */
  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Blocks that are requested in the same turn share requests.
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#start();
    });
  }

  #start(): void {
    while (this.#queue.size > 0 && this.#running < ALL_REQUESTS) {
      const first = this.#next();
      if (first === undefined) return;
      const bulk = first.isBulk() ? 1 : 0;
      const batch = this.#batch(first);
      this.#running++;
      this.#runningBulk += bulk;
      void this.#run(batch, bulk === 1).finally(() => {
        this.#running--;
        this.#runningBulk -= bulk;
        this.wake();
      });
    }
  }

  /** What is to be fetched next, if another request may begin now. */
  #next(): Want | undefined {
    let ahead: Want | undefined;
    let bulk: Want | undefined;
    for (const want of this.#queue) {
      if (want.isUrgent()) return want;
      if (want.isBulk()) bulk ??= want;
      else ahead ??= want;
    }
    if (this.#running >= AHEAD_REQUESTS) return undefined;
    return ahead ?? (this.#runningBulk < BULK_REQUESTS ? bulk : undefined);
  }

  /** The first want with others of the same version; if it is not urgent, also with those of other versions. */
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
    const isBulk = batch[0]?.isBulk() === true;
    let bytes = batch.reduce((sum, want) => sum + want.length, 0);
    for (const want of this.#queue) {
      if (batch.length >= MIXED_BLOCKS) return;
      if (known.has(want) || want.isUrgent() || want.isBulk() !== isBulk || bytes + want.length > MIXED_BYTES) continue;
      bytes += want.length;
      batch.push(want);
    }
  }

  async #run(batch: Want[], bulk: boolean): Promise<void> {
    const waiting = new Map(batch.map((want) => [key(want), want]));
    let delivered = Promise.resolve();
    try {
      const bytes = batch.reduce((sum, { file, length }) => sum + (file === undefined ? 0 : length), 0);
      const isRoom = bytes > 0 && (await this.#room(bytes).catch(() => false));
      const requests = batch.map(({ version, index, length, file }) => {
        return isRoom ? { version, index, length, file } : { version, index, length };
      });
      const context = bulk ? { signal: this.#signal, bulk } : { signal: this.#signal };
      for await (const block of this.#source.blocks(requests, context, this.#memory.take)) {
        const want = waiting.get(key(block));
        if (want === undefined) continue;
        waiting.delete(key(block));
        // Two blocks of a request are in memory: one is being written to the disk, one is arriving from the network.
        await delivered;
        delivered = want.deliver(block);
      }
      if (waiting.size > 0) throw new Error('the cloud sent fewer blocks than requested');
    } catch (error) {
      this.#fail([...waiting.values()], batch, error);
    }
    await delivered;
  }

  /**
   * Handles a failed request. In a request for several contents, one may have caused the failure of others, so those
   * that readers wait for are retried separately.
   */
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
