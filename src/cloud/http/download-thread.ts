import type { Context } from '../../vfs/context.ts';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { WorkerThread } from '../../threads/worker-thread.ts';
import type { BlockMemory } from '../remote.ts';
import { revive, type FailureRecord } from './errors.ts';
import type { OwnFrame } from './frames.ts';
import type { DispatcherOptions } from './dispatcher.ts';
import type { Call } from './http-client.ts';

/** Blocks of one response that are asked of the thread at a time. */
const ASKED_AHEAD = 3;

/** What the thread is asked: to begin a request, to give its next block (into `memory` if it can), to end it, to reconnect. */
export type DownloadRequest =
  | { readonly ask: 'begin'; readonly id: number; readonly call: Call; readonly most: number }
  | { readonly ask: 'next'; readonly id: number; readonly memory: ArrayBuffer | undefined }
  | { readonly ask: 'end'; readonly id: number }
  | { readonly ask: 'renew' };

/** A verified block, nothing after the last one, or why there is no more. */
export type DownloadResponse =
  { readonly frame: OwnFrame } | { readonly frame: undefined; readonly failure?: FailureRecord };

/**
 * Receives and verifies blocks on a thread with connections of its own. What arrives there is garbage soon, and V8 collects it by
 * going through a heap that has little else, whatever the size of the drive's (docs/decisions/049). A thread that died is replaced
 * with the next request.
 */
export class DownloadThread {
  readonly #options: DispatcherOptions;
  #thread: WorkerThread<DownloadRequest, DownloadResponse> | undefined;
  #last = 0;
  #isClosed = false;

  constructor(options: DispatcherOptions) {
    const { url, token, connections, timeouts, allowPlain, ca } = options;
    this.#options = { url, token, connections, timeouts, allowPlain, ca };
  }

  /**
   * One try of a request for blocks of these lengths: those of its response, in order and verified.
   * @throws what `classify` understands
   */
  async *frames(
    call: Call,
    lengths: readonly number[],
    { signal }: Context,
    memory: BlockMemory | undefined,
  ): AsyncGenerator<OwnFrame> {
    signal.throwIfAborted();
    const thread = this.#running();
    const id = (this.#last += 1);
    const next = (length = 0): Promise<DownloadResponse> => {
      const buffer = length === BLOCK_SIZE ? memory?.(BLOCK_SIZE).buffer : undefined;
      return handled(thread.request({ ask: 'next', id, memory: buffer }, buffer === undefined ? [] : [buffer]));
    };
    const end = (): void => void handled(thread.request({ ask: 'end', id }));
    signal.addEventListener('abort', end, { once: true });
    try {
      void handled(thread.request({ ask: 'begin', id, call, most: lengths.length }));
      const asked = lengths.slice(0, ASKED_AHEAD).map((length) => next(length));
      for (let count = asked.length; asked.length > 0;) {
        const response = await (asked.shift() as Promise<DownloadResponse>);
        signal.throwIfAborted();
        if (response.frame === undefined) {
          if (response.failure !== undefined) throw revive(response.failure);
          return;
        }
        // The last one finds the end of the response.
        if (count <= lengths.length) asked.push(next(lengths[count++]));
        yield response.frame;
      }
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /** Gives up all connections; requests under way fail as if the network had. */
  renew(): void {
    if (this.#thread !== undefined) void handled(this.#thread.request({ ask: 'renew' }));
  }

  /** Requests under way fail with `EINTR`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.terminate();
  }

  #running(): WorkerThread<DownloadRequest, DownloadResponse> {
    if (this.#isClosed) throw new FsError('EINTR', 'read', { reason: 'the connection was closed by this program' });
    if (this.#thread === undefined || this.#thread.hasEnded) this.#thread = start(this.#options);
    return this.#thread;
  }
}

function start(options: DispatcherOptions): WorkerThread<DownloadRequest, DownloadResponse> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = new URL(`./download-program.${extension}`, import.meta.url);
  return new WorkerThread(program, { name: 'downloads', data: options });
}

/** A rejection is seen when its turn comes; until then it must not count as unhandled. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
