import { WorkerThread } from '../../threads/worker-thread.ts';

/**
 * Creates empty files on a separate thread, many per message. Waking a thread of libuv's pool for each file would cost
 * the calling thread twice as much as creating the file itself.
 */
export class FileMaker {
  /** Descriptors opened on the thread belong to the process, and stay when the thread ends. */
  readonly #thread = new WorkerThread<readonly string[], readonly number[]>(
    new URL('file-maker-thread.mjs', import.meta.url),
    { name: 'files', closesFiles: false },
  );

  /**
   * Creates and opens these files for reading and writing. Resolves to their descriptors; `undefined` for a file that
   * exists or cannot be created, and for all after `end` or if the thread has died.
   */
  async make(paths: readonly string[]): Promise<(number | undefined)[]> {
    const fds = await this.#thread.request(paths).catch((): readonly number[] => []);
    return paths.map((_, i) => ((fds[i] ?? -1) < 0 ? undefined : fds[i]));
  }

  /** Ends the thread once it has created all requested files. */
  end(): void {
    this.#thread.end();
  }
}
