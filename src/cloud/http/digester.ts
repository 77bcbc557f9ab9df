import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';

/** Below this a digest takes less time than the way to another thread and back. */
const SMALL = 64 * 1024;

/**
 * The thread's program, as text: so it runs from the sources, from the build, and from a bundle alike. Memory comes and
 * goes by handing over.
 */
const PROGRAM = `
const { createHash } = require('node:crypto');
const { parentPort } = require('node:worker_threads');
parentPort.on('message', ({ id, data }) => {
  const digest = createHash('sha256').update(data).digest('hex');
  parentPort.postMessage({ id, digest, data }, [data.buffer]);
});
`;

export interface Digested {
  /** SHA-256, hex. */
  readonly digest: string;
  /** The same bytes; if they went through the thread, in a new array, and the one given is empty. */
  readonly data: Uint8Array<ArrayBuffer>;
}

interface Waiting {
  resolve(result: Digested): void;
  reject(error: Error): void;
}

/**
 * Hashes blocks on a thread of its own, so that a transfer does not delay the event loop. The memory is handed over and
 * comes back: WebCrypto would copy each block first, on the event loop, which costs as much as hashing it there. The
 * thread starts with the first large block and keeps no process alive.
 */
export class Digester {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #last = 0;

  /** @param data must own its memory, all of it; it must not be used afterwards. */
  digest(data: Uint8Array<ArrayBuffer>): Promise<Digested> {
    if (data.length < SMALL) {
      return Promise.resolve({ digest: createHash('sha256').update(data).digest('hex'), data });
    }
    const worker = (this.#worker ??= this.#start());
    const id = (this.#last += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, data }, [data.buffer]);
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(PROGRAM, { eval: true, name: 'digests', execArgv: [] });
    worker.on('message', ({ id, ...result }: Digested & { id: number }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      waiting?.resolve(result);
    });
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('the thread that hashes has ended')));
    return worker;
  }

  /** The next block starts a new thread. */
  #fail(error: unknown): void {
    this.#worker = undefined;
    const reason = error instanceof Error ? error : new Error(String(error));
    for (const waiting of this.#waiting.values()) waiting.reject(reason);
    this.#waiting.clear();
  }
}
