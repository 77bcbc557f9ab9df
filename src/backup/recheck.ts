import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { DigestRun } from '../vfs/digest-list.ts';

export interface RecheckOptions {
  readonly fd: number;
  /** Bytes that were read. */
  readonly size: number;
  /** Of the blocks that were read. */
  readonly runs: readonly Pick<DigestRun, 'digest' | 'end'>[];
  /** Length of a block in bytes. */
  readonly block: number;
}

/**
 * Reads the beginning of a file a second time. If every block is what it was, then between the two readings the beginning of the
 * file was exactly that, although the file is being written: a log that grows, a file whose times are set again and again.
 */
export class Recheck {
  readonly #options: RecheckOptions;
  readonly #buffer: Uint8Array;
  #at = 0;
  #run = 0;
  #isEqual = true;

  constructor(options: RecheckOptions) {
    this.#options = options;
    this.#buffer = new Uint8Array(options.block);
  }

  /** Whether all blocks so far are what they were. */
  get isEqual(): boolean {
    return this.#isEqual;
  }

  /** Checks the next block. Returns its length; 0 at the end, or when a block is different. @throws errors of `read` */
  step(): number {
    const { size, runs, block } = this.#options;
    const length = Math.min(block, size - this.#at);
    if (length <= 0 || !this.#isEqual) return 0;
    if (this.#at / block >= (runs[this.#run]?.end ?? 0)) this.#run += 1;
    const data = this.#buffer.subarray(0, length);
    const digest = createHash('sha256')
      .update(data.subarray(0, this.#fill(data)))
      .digest();
    this.#isEqual = digest.equals(runs[this.#run]?.digest ?? Buffer.alloc(0));
    this.#at += length;
    return length;
  }

  #fill(data: Uint8Array): number {
    let filled = 0;
    while (filled < data.length) {
      const count = readSync(this.#options.fd, data, filled, data.length - filled, this.#at + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }
}
