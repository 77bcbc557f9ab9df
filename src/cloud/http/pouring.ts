import type { Dispatcher } from 'undici';
import { BrokenResponse, RefusedAnswer } from './errors.ts';
import { wireErrorOf } from './wire-error.ts';

const ERROR_BODY = 64 * 1024;

export interface PouringParts {
  readonly sink: (chunk: Uint8Array) => Promise<void> | undefined;
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Milliseconds to wait that a `Retry-After` asks for. */
  readonly after: (header: string | string[] | undefined) => number | undefined;
}

/** Hands each chunk of a 2xx response to a sink as it comes. */
export class Pouring implements Dispatcher.DispatchHandler {
  readonly #parts: PouringParts;
  #abort: (() => void) | undefined;
  #status = 0;
  #after: number | undefined;
  readonly #refusal: Buffer[] = [];
  #length = 0;

  constructor(parts: PouringParts) {
    this.#parts = parts;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { signal } = this.#parts;
    this.#abort = () => controller.abort(signal.reason as Error);
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', this.#abort, { once: true });
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ) {
    this.#status = status;
    this.#after = this.#parts.after(headers['retry-after']);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isGood) return this.#collect(controller, chunk);
    try {
      const wait = this.#parts.sink(chunk);
      if (wait === undefined) return;
      controller.pause();
      wait.then(
        () => controller.resume(),
        (error: unknown) => controller.abort(error as Error),
      );
    } catch (error) {
      controller.abort(error as Error);
    }
  }

  onResponseEnd(): void {
    this.#end();
    if (this.#isGood) this.#parts.resolve();
    else this.#parts.reject(new RefusedAnswer(this.#status, wireErrorOf(Buffer.concat(this.#refusal)), this.#after));
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#end();
    this.#parts.reject(error);
  }

  get #isGood(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #collect(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length > ERROR_BODY)
      controller.abort(new BrokenResponse(`the response has more than ${ERROR_BODY} bytes`));
    else this.#refusal.push(Buffer.from(chunk));
  }

  #end(): void {
    if (this.#abort !== undefined) this.#parts.signal.removeEventListener('abort', this.#abort);
  }
}
