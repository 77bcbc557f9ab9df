import { open } from 'node:fs/promises';
import { asFsError } from '../../vfs/fs-error.ts';

/** Syncs the names in a folder to the disk, which syncing the files does not include. */
export class FolderSync {
  readonly #dir: string;
  #changed = false;
  #last: Promise<void> = Promise.resolve();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Records that a name was added. */
  changed(): void {
    this.#changed = true;
  }

  /** Resolves when every name added before the call survives a power loss. */
  sync(): Promise<void> {
    if (this.#changed) {
      this.#changed = false;
      this.#last = this.#sync();
    }
    return this.#last;
  }

  async #sync(): Promise<void> {
    try {
      const dir = await open(this.#dir, 'r');
      try {
        await dir.sync();
      } finally {
        await dir.close();
      }
    } catch (error) {
      this.#changed = true;
      throw asFsError(error, 'fsync', this.#dir);
    }
  }
}
