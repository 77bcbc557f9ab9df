import type { InodeTable } from './inode-table.ts';
import type { Notifier } from './notifier.ts';

/** Nodes per message. */
const BATCH = 512;

/**
 * Asks the kernel to forget the nodes that it has known longest, which limits the size of the inode table (about 300
 * bytes per node). The kernel keeps the nodes that it needs: open files, and folders with known members. A kernel with
 * a protocol before 7.45 refuses the message, and forgets nodes only when it needs memory.
 */
export class Pruning {
  readonly #inodes: InodeTable;
  readonly #notifier: Notifier;
  readonly #most: number;
  readonly #step: number;
  #since = 0;

  /** @param most number of nodes beyond which the kernel is asked to forget some */
  constructor(inodes: InodeTable, notifier: Notifier, most: number) {
    this.#inodes = inodes;
    this.#notifier = notifier;
    this.#most = most;
    this.#step = Math.ceil(most / 64);
  }

  /** To be called when a node is added to the table. */
  added(): void {
    if (this.#inodes.size <= this.#most || ++this.#since < this.#step) return;
    this.#since = 0;
    const nodes = this.#inodes.oldest(2 * this.#step);
    for (let at = 0; at < nodes.length; at += BATCH) this.#notifier.prune(nodes.slice(at, at + BATCH));
  }
}
