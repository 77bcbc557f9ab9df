import { BLOCK_SIZE, digestOf } from '../../vfs/block.ts';

/**
 * Blocks hashed at the same time, and blocks that may be queued. Blocks beyond that are hashed when the file is sealed.
 */
const LANES = 2;
const BACKLOG = 64;

interface Job {
  readonly index: number;
  /** False if the block was written again in the meantime. */
  valid: boolean;
}

/**
 * Hashes the blocks of a file off the event loop while the file is written sequentially, as with uploads over WebDAV.
 * Blocks are read back from the page cache, so that the writer's buffers are free at once.
 */
export class PassingDigests {
  readonly #known = new Map<number, Uint8Array>();
  readonly #queue: Job[] = [];
  readonly #running = new Set<Job>();
  readonly #read: (into: Uint8Array, position: number) => Promise<number>;
  #idle: Promise<void>[] = [];
  /** Position of the next write if the file is written sequentially. */
  #end = 0;

  constructor(read: (into: Uint8Array, position: number) => Promise<number>) {
    this.#read = read;
  }

  get(index: number): Uint8Array | undefined {
    return this.#known.get(index);
  }

  /** To be called after every write. */
  wrote(start: number, end: number): void {
    const first = Math.floor(start / BLOCK_SIZE);
    if (start !== this.#end) return this.#invalidate(first, Math.floor((end - 1) / BLOCK_SIZE));
    this.#end = end;
    for (let index = first; (index + 1) * BLOCK_SIZE <= end; index++) this.#schedule(index);
  }

  truncated(size: number): void {
    this.#invalidate(Math.floor(size / BLOCK_SIZE), Infinity);
    // Blocks before the cut are already hashed or given up, so writing may continue from the cut.
    if (!Number.isNaN(this.#end)) this.#end = size;
  }

  /** Drops all digests permanently, because the kernel writes to the file from now on. */
  giveUp(): void {
    this.#invalidate(0, Infinity);
    this.#end = NaN;
  }

  /** Resolves when the queued blocks have been hashed. */
  async settle(): Promise<void> {
    while (this.#running.size > 0 || this.#queue.length > 0) await Promise.all(this.#idle);
  }

  #invalidate(first: number, last: number): void {
    for (const index of this.#known.keys()) if (index >= first && index <= last) this.#known.delete(index);
    for (const job of [...this.#queue, ...this.#running]) {
      if (job.index >= first && job.index <= last) job.valid = false;
    }
  }

  #schedule(index: number): void {
    if (this.#queue.length >= BACKLOG) return;
    this.#queue.push({ index, valid: true });
    if (this.#running.size >= LANES) return;
    const lane = this.#lane().finally(() => {
      this.#idle = this.#idle.filter((other) => other !== lane);
    });
    this.#idle.push(lane);
  }

  async #lane(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(BLOCK_SIZE);
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      this.#running.add(job);
      try {
        const length = await this.#read(buffer, job.index * BLOCK_SIZE);
        const digest = await digestOf(buffer);
        if (job.valid && length === BLOCK_SIZE) this.#known.set(job.index, digest);
      } catch {
        // The block is hashed again when the file is sealed, which reports the error.
      }
      this.#running.delete(job);
    }
  }
}
