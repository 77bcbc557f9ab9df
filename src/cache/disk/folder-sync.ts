import { open } from 'node:fs/promises';
import { asFsError } from '../../vfs/fs-error.ts';

/** Brings the names in a folder to the disk, which syncing the files alone does not promise. */
export class FolderSync {
  readonly #dir: string;
  #changed = false;
  #last: Promise<void> = Promise.resolve();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** A name was added. */
  changed(): void {
    this.#changed = true;
  }

  /** Answered when every name added before survives the loss of power. */
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
