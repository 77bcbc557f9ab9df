import { createHash } from 'node:crypto';
import { WorkerThread } from '../../threads/worker-thread.ts';

/** Below this a digest takes less time than the way to another thread and back. */
const SMALL = 64 * 1024;

export interface Digested {
  /** SHA-256, hex. */
  readonly digest: string;
  /** The same bytes; if they went through the thread, in a new array, and the one given is empty. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * Hashes blocks on a thread of its own, so that a transfer does not delay the event loop. The memory is handed over and
 * comes back: WebCrypto would copy each block first, on the event loop, which costs as much as hashing it there. A thread
 * that died is replaced with the next block.
 */
export class Digester {
  #thread: WorkerThread<Uint8Array<ArrayBuffer>, Digested> | undefined;

  /** @param data must own its memory, all of it; it must not be used afterwards. */
  async digest(data: Uint8Array<ArrayBuffer>): Promise<Digested> {
    if (data.length < SMALL) return { digest: createHash('sha256').update(data).digest('hex'), data };
    if (this.#thread === undefined || this.#thread.hasEnded) this.#thread = startThread();
    return await this.#thread.request(data, [data.buffer]);
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }
}

function startThread(): WorkerThread<Uint8Array<ArrayBuffer>, Digested> {
  return new WorkerThread(new URL('digester-thread.mjs', import.meta.url), { name: 'digests' });
}
