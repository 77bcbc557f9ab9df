import type { InodeTable } from './inode-table.ts';
import type { Notifier } from './notifier.ts';

/** Nodes of one message. */
const BATCH = 512;

/**
 * Asks the kernel to forget what it has known longest, which bounds the table of inodes: some 300 bytes for each that the
 * kernel knows. The kernel keeps what it needs, open files and folders of which it knows
 * something. One older than protocol 7.45 refuses the message, and forgets when it needs memory itself.
 */
export class Pruning {
  readonly #inodes: InodeTable;
  readonly #notifier: Notifier;
  readonly #most: number;
  readonly #step: number;
  #since = 0;

  /** @param most Nodes that the kernel may know. */
  constructor(inodes: InodeTable, notifier: Notifier, most: number) {
    this.#inodes = inodes;
    this.#notifier = notifier;
    this.#most = most;
    this.#step = Math.ceil(most / 64);
  }

  /** The kernel has got to know a node. */
  added(): void {
    if (this.#inodes.size <= this.#most || ++this.#since < this.#step) return;
    this.#since = 0;
    const nodes = this.#inodes.oldest(2 * this.#step);
    for (let at = 0; at < nodes.length; at += BATCH) this.#notifier.prune(nodes.slice(at, at + BATCH));
  }
}
