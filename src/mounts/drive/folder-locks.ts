import type { NodeId } from '../../vfs/node.ts';

/**
 * Folders that are being checked for emptiness before their removal: operations that put a name into one wait.
 * Everything else is decided and submitted in one turn and needs no lock; checking whether a folder is empty takes
 * several.
 */
export class FolderLocks {
  readonly #closed = new Map<NodeId, Promise<void>>();

  /** Check again after `opened`: another operation may have closed the folder in between. */
  isClosed(folder: NodeId): boolean {
    return this.#closed.has(folder);
  }

  /** Resolves when the current check is over. */
  async opened(folder: NodeId): Promise<void> {
    await this.#closed.get(folder);
  }

  /** Runs `work` while no name can be added to the folder. */
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
