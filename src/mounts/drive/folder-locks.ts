import type { NodeId } from '../../vfs/node.ts';

/**
 * Folders that somebody is about to remove and is looking into: whoever wants to put a name there waits. All else is
 * decided and submitted in one turn and needs no lock; looking whether a folder is empty takes several.
 */
export class FolderLocks {
  readonly #closed = new Map<NodeId, Promise<void>>();

  /** Check again after `opened`: somebody else may have closed the folder in between. */
  isClosed(folder: NodeId): boolean {
    return this.#closed.has(folder);
  }

  /** Answered when the look that is under way is over. */
  async opened(folder: NodeId): Promise<void> {
    await this.#closed.get(folder);
  }

  /** Runs `work` while nothing new gets into the folder. */
  async during<T>(folder: NodeId, work: () => Promise<T>): Promise<T> {
    while (this.#closed.has(folder)) await this.#closed.get(folder);
    let open = (): void => {};
    this.#closed.set(folder, new Promise((resolve) => (open = resolve)));
    try {
      return await work();
    } finally {
      this.#closed.delete(folder);
      open();
    }
  }
}
