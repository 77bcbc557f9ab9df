import type { FromThumbnailWorker, ToThumbnailWorker } from './messages.ts';

/** The page's side of the worker that makes thumbnails. */
export class Thumbnails {
  readonly #waiting = new Map<string, Set<(picture: Blob | undefined) => void>>();
  #worker: Worker | undefined;

  /** @param show is called once, with nothing if there is no picture. @returns ends the waiting */
  want(version: string, show: (picture: Blob | undefined) => void): () => void {
    const waiting = this.#waiting.get(version) ?? new Set();
    if (waiting.size === 0) this.#tell({ type: 'want', version });
    this.#waiting.set(version, waiting.add(show));
    return () => {
      if (!waiting.delete(show) || waiting.size > 0) return;
      this.#waiting.delete(version);
      this.#tell({ type: 'forget', version });
    };
  }

  #tell(message: ToThumbnailWorker): void {
    this.#worker ??= this.#start();
    // Only messages to windows have a target.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data: { version, picture } }: MessageEvent<FromThumbnailWorker>) => {
      const waiting = [...(this.#waiting.get(version) ?? [])];
      this.#waiting.get(version)?.clear();
      this.#waiting.delete(version);
      for (const show of waiting) show(picture);
    });
    return worker;
  }
}
