import { Worker, type Transferable } from 'node:worker_threads';
import { FsError } from '../vfs/fs-error.ts';

/** An error as it crosses from a thread. */
export interface ThreadFailure {
  readonly code: string | undefined;
  readonly message: string;
}

export type ThreadAnswer<R> =
  { readonly id: number; readonly result: R } | { readonly id: number; readonly failure: ThreadFailure };

interface Waiting {
  resolve(result: never): void;
  reject(error: Error): void;
}

/**
 * A thread that answers questions in the order in which they come. It may block: a disk that hangs then hangs the
 * thread and nothing else.
 */
export class Thread<Question, Answer> {
  readonly #start: () => Worker;
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #ended: Error | undefined;

  /** Starts with the first question. */
  constructor(program: URL, data: unknown) {
    this.#start = () => this.#listen(startWorker(program, data));
  }

  /** @throws what the thread threw: an error with its `code`; EINTR after `end` */
  ask<A extends Answer>(question: Question, transfer: Transferable[] = []): Promise<A> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = (this.#last += 1);
    return new Promise<A>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      (this.#worker ??= this.#start()).postMessage({ id, question }, transfer);
    });
  }

  /** Ends it, wherever it is; what was asked fails with `EINTR`. */
  async end(): Promise<void> {
    this.#end(new FsError('EINTR', 'thread', { reason: 'the thread was ended' }));
    await this.#worker?.terminate();
  }

  #listen(worker: Worker): Worker {
    worker.on('message', (answer: ThreadAnswer<Answer>) => this.#answer(answer));
    worker.on('error', (error) => this.#end(error));
    worker.on('exit', (code) => this.#end(new FsError('EIO', 'thread', { reason: `the thread has ended: ${code}` })));
    return worker;
  }

  #answer(answer: ThreadAnswer<Answer>): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('result' in answer) waiting?.resolve(answer.result as never);
    else waiting?.reject(Object.assign(new Error(answer.failure.message), { code: answer.failure.code }));
  }

  #end(error: unknown): void {
    this.#ended ??= error instanceof Error ? error : new Error(String(error));
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}

/** A thread does not inherit the loader that runs the sources without a build, so there it loads it first. */
function startWorker(program: URL, workerData: unknown): Worker {
  if (!program.pathname.endsWith('.ts')) return new Worker(program, { workerData });
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const source = `import(${loader}).then(({ register }) => { register(); return import(${JSON.stringify(program.href)}); })`;
  return new Worker(source, { eval: true, workerData, execArgv: [] });
}
