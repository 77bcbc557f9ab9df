import { ApiError } from '../api.ts';
import type { Report, SentContent } from './blocks.ts';
import type { FromWorker, ToWorker } from './messages.ts';

interface Waiting extends Report {
  readonly resolve: (content: SentContent) => void;
  readonly reject: (error: ApiError) => void;
}

/** The page's side of the worker. */
export class Sender {
  readonly #waiting = new Map<string, Waiting>();
  #worker: Worker | undefined;

  /** Sends what the cloud lacks of a file. @throws ApiError */
  async send(id: string, file: File, signal: AbortSignal, report: Report): Promise<SentContent> {
    signal.throwIfAborted();
    const sent = new Promise<SentContent>((resolve, reject) => this.#waiting.set(id, { ...report, resolve, reject }));
    this.#tell({ type: 'send', id, file });
    signal.addEventListener('abort', () => this.#tell({ type: 'cancel', id }), { once: true });
    try {
      return await sent;
    } finally {
      this.#waiting.delete(id);
    }
  }

  #tell(message: ToWorker): void {
    this.#worker ??= this.#start();
    // Only messages to windows have a target.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      const waiting = this.#waiting.get(data.id);
      if (waiting === undefined) return;
      if (data.type === 'progress') waiting.onProgress(data.sent);
      else if (data.type === 'paused') waiting.onPause(data.isPaused);
      else if (data.type === 'sent') waiting.resolve(data.content);
      else waiting.reject(new ApiError(data.code, data.message));
    });
    return worker;
  }
}
