import { Worker, type Transferable } from 'node:worker_threads';
import { FsError } from '../vfs/fs-error.ts';

/** The message that `serve` sends for each request. */
type Reply =
  | { readonly id: number; readonly response: unknown }
  | { readonly id: number; readonly failure: { readonly code: string | undefined; readonly message: string } };

interface Waiting {
  resolve(response: never): void;
  reject(error: Error): void;
}

export interface WorkerThreadOptions {
  /** Shown by debuggers and `top -H`. */
  readonly name: string;
  /** `workerData` of the program. */
  readonly data?: unknown;
  /** What of the data is handed over. */
  readonly transfer?: readonly Transferable[];
  /** Whether files that the thread opens are closed when it ends; true unless given. */
  readonly closesFiles?: boolean;
}

/**
 * A thread that receives requests and sends a response to each, in order. It may block: a disk that hangs then blocks
 * only the thread. It starts with the first request, and keeps the process alive only while a request is pending.
 */
export class WorkerThread<Request, Response> {
  readonly #start: () => Worker;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #last = 0;
  #ended: Error | undefined;

  /** @param program calls `serve` */
  constructor(program: URL, options: WorkerThreadOptions) {
    this.#start = () => this.#listen(startWorker(program, options));
  }

  /** True if it accepts no more requests. */
  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** The number of the request that the thread handles now; undefined if it has none. */
  get current(): number | undefined {
    return this.#waiting.keys().next().value;
  }

  /** @throws what the thread threw, an error with its `code`; EINTR after `end` and `terminate`; EIO if the thread dies */
  request<R extends Response>(request: Request, transfer: readonly Transferable[] = []): Promise<R> {
    if (this.#ended) return Promise.reject(this.#ended);
    const worker = (this.#worker ??= this.#start());
    const id = (this.#last += 1);
    return new Promise<R>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, request }, [...transfer]);
    });
  }

  /** Accepts no more requests. Earlier ones still get their responses. */
  end(): void {
    this.#ended ??= new FsError('EINTR', 'thread', { reason: 'the thread was ended' });
    this.#worker?.postMessage(null);
  }

  /** Ends the thread at once. Pending requests are rejected with `EINTR`. */
  async terminate(): Promise<void> {
    this.#fail(new FsError('EINTR', 'thread', { reason: 'the thread was ended' }));
    await this.#worker?.terminate();
  }

  #listen(worker: Worker): Worker {
    worker.on('message', (reply: Reply) => this.#settle(worker, reply));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', (code) => this.#fail(new FsError('EIO', 'thread', { reason: `the thread has ended: ${code}` })));
    return worker;
  }

  #settle(worker: Worker, reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) worker.unref();
    if ('response' in reply) waiting?.resolve(reply.response as never);
    else waiting?.reject(Object.assign(new Error(reply.failure.message), { code: reply.failure.code }));
  }

  #fail(error: unknown): void {
    this.#ended ??= error instanceof Error ? error : new Error(String(error));
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}

/**
 * Starts a thread. It does not inherit the loader that runs TypeScript without a build, so its program loads that
 * first.
 */
function startWorker(program: URL, { name, data, transfer = [], closesFiles = true }: WorkerThreadOptions): Worker {
  const options = { name, workerData: data, transferList: [...transfer], execArgv: [], trackUnmanagedFds: closesFiles };
  if (!program.pathname.endsWith('.ts')) return new Worker(program, options);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const source = `import(${loader}).then(({ register }) => { register(); return import(${JSON.stringify(program.href)}); })`;
  return new Worker(source, { ...options, eval: true });
}
