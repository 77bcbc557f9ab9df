import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Context } from '../../vfs/context.ts';
import { BLOCK_SIZE, type BlockFile } from '../../vfs/block.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { WorkerThread } from '../../threads/worker-thread.ts';
import type { BlockMemory, BlockRequest } from '../remote.ts';
import { Bandwidth } from './bandwidth.ts';
import { lend } from './bandwidth-port.ts';
import { revive, type FailureRecord } from './errors.ts';
import type { OwnFrame } from './frames.ts';
import type { DispatcherOptions } from './dispatcher.ts';
import type { TokenBucket } from './token-bucket.ts';
import type { Call } from './http-client.ts';

/** Blocks of one response that are asked of the thread at a time. */
const ASKED_AHEAD = 3;

/** A place in an open file for a block of `length` bytes. */
export interface FilePlace {
  readonly fd: number;
  readonly position: number;
  readonly length: number;
}

/**
 * What the thread is asked: to start; to begin a request; to write its next block into a file, or else to give it, into `memory` if
 * it can; to end it; to reconnect.
 */
export type DownloadRequest =
  | { readonly ask: 'start' }
  | { readonly ask: 'begin'; readonly id: number; readonly call: Call; readonly most: number }
  | { readonly ask: 'next'; readonly id: number; readonly memory?: ArrayBuffer; readonly file?: FilePlace }
  | { readonly ask: 'end'; readonly id: number }
  | { readonly ask: 'renew' };

export interface ReceivedFrame extends OwnFrame {
  /** True if the bytes are in the file, and `data` is empty. */
  readonly isWritten?: boolean;
}

/** A verified block, nothing after the last one, or why there is no more. */
export type DownloadResponse =
  { readonly frame: ReceivedFrame } | { readonly frame: undefined; readonly failure?: FailureRecord };

/** What the program of the thread is started with. */
export interface DownloadData {
  readonly options: DispatcherOptions;
  /** Leads to the bucket that responses take from. */
  readonly port: MessagePort;
  readonly limit: TokenBucket['limit'];
}

type Thread = WorkerThread<DownloadRequest, DownloadResponse>;

/**
 * Receives and verifies blocks on a thread with connections of its own. What arrives there is garbage soon, and V8 collects it by
 * going through a heap that has little else, whatever the size of the drive's (docs/decisions/049). A thread that died is replaced
 * with the next request.
 */
export class DownloadThread {
  readonly #options: DispatcherOptions;
  readonly #bandwidth: Bandwidth;
  #thread: Thread | undefined;
  #last = 0;
  #isClosed = false;

  constructor({
    bandwidth = new Bandwidth(),
    ...options
  }: DispatcherOptions & { readonly bandwidth?: Bandwidth | undefined }) {
    const { url, token, connections, timeouts, allowPlain, ca } = options;
    this.#bandwidth = bandwidth;
    this.#options = { url, token, connections, timeouts, allowPlain, ca };
  }

  /** Resolves once the thread runs, so that the first request need not wait for its start. @throws EINTR after `close` */
  async start(): Promise<void> {
    await this.#running().request({ ask: 'start' });
  }

  /**
   * One try of a request for these blocks: those of its response, in order and verified, and written into their files where they
   * have some.
   * @throws what `classify` understands
   */
  async *frames(
    call: Call,
    requests: readonly Pick<BlockRequest, 'length' | 'file'>[],
    { signal }: Context,
    memory: BlockMemory | undefined,
  ): AsyncGenerator<ReceivedFrame> {
    signal.throwIfAborted();
    const thread = this.#running();
    const id = (this.#last += 1);
    const next = ({ length = 0, file }: Pick<BlockRequest, 'length' | 'file'> = {}): Promise<DownloadResponse> => {
      const place = file?.();
      if (place !== undefined) return handled(write(thread, id, place, length));
      const buffer = length === BLOCK_SIZE ? memory?.(BLOCK_SIZE).buffer : undefined;
      if (buffer === undefined) return handled(thread.request({ ask: 'next', id }));
      return handled(thread.request({ ask: 'next', id, memory: buffer }, [buffer]));
    };
    const end = (): void => void handled(thread.request({ ask: 'end', id }));
    signal.addEventListener('abort', end, { once: true });
    try {
      void handled(thread.request({ ask: 'begin', id, call, most: requests.length }));
      const asked = requests.slice(0, ASKED_AHEAD).map(next);
      let received = 0;
      for (let count = asked.length; asked.length > 0;) {
        const response = await (asked.shift() as Promise<DownloadResponse>);
        signal.throwIfAborted();
        if (response.frame === undefined) {
          if (response.failure !== undefined) throw revive(response.failure);
          return;
        }
        // The last one finds the end of the response.
        if (count <= requests.length) asked.push(next(requests[count++]));
        const { data, isWritten = false } = response.frame;
        this.#bandwidth.passed.down += isWritten ? (requests[received]?.length ?? 0) : data.length;
        received += 1;
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

  #running(): Thread {
    if (this.#isClosed) throw new FsError('EINTR', 'read', { reason: 'the connection was closed by this program' });
    if (this.#thread === undefined || this.#thread.hasEnded) this.#thread = start(this.#options, this.#bandwidth);
    return this.#thread;
  }
}

function start(options: DispatcherOptions, { down }: Bandwidth): Thread {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = new URL(`./download-program.${extension}`, import.meta.url);
  const { port1, port2 } = new MessageChannel();
  lend(down, port1);
  const data: DownloadData = { options, port: port2, limit: down.limit };
  return new WorkerThread(program, { name: 'downloads', data, transfer: [port2] });
}

/** Has the next block of a request written. The file stays open while the thread may be writing. */
async function write(thread: Thread, id: number, place: BlockFile, length: number): Promise<DownloadResponse> {
  const { fd, position } = place;
  try {
    return await thread.request({ ask: 'next', id, file: { fd, position, length } });
  } finally {
    // One that was ended may still be on its way through a call: then the number must not become another file's.
    if (!thread.hasEnded) place.release();
  }
}

/** A rejection is seen when its turn comes; until then it must not count as unhandled. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
