import { WorkerThread } from '../../threads/worker-thread.ts';

/**
 * Makes empty files on a thread of its own, many for one message: to wake a thread of libuv's pool for each costs the calling
 * thread twice as much as making the file there.
 */
export class FileMaker {
  /** Descriptors opened on the thread belong to the process, and stay when the thread ends. */
  readonly #thread = new WorkerThread<readonly string[], readonly number[]>(
    new URL('file-maker-thread.mjs', import.meta.url),
    { name: 'files', closesFiles: false },
  );

  /**
   * Makes and opens these files, for reading and writing; undefined in place of one that is there already or cannot be made,
   * and of all after `end`, or when the thread has died.
   */
  async make(paths: readonly string[]): Promise<(number | undefined)[]> {
    const fds = await this.#thread.request(paths).catch((): readonly number[] => []);
    return paths.map((_, i) => ((fds[i] ?? -1) < 0 ? undefined : fds[i]));
  }

  /** Ends the thread when it has made what it was asked for. */
  end(): void {
    this.#thread.end();
  }
}
