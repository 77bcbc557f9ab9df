import type { Context } from '../../vfs/context.ts';
import { FsError } from '../../vfs/fs-error.ts';

/** How often the time limit of calls is checked, ms. */
const PACE = 1000;

/** The calls in progress, each with a time limit, because libfuse does not report interrupted callers. */
export class Calls {
  readonly #running = new Set<Call>();
  readonly #timer: NodeJS.Timeout;

  /** @param timeout ms */
  constructor(timeout: number) {
    this.#timer = setInterval(() => this.#abortBefore(Date.now() - timeout), PACE).unref();
  }

  begin(): Call {
    const call = new Call();
    this.#running.add(call);
    return call;
  }

  end(call: Call): void {
    this.#running.delete(call);
  }

  /** Aborts all calls, and stops checking the time limit. */
  close(): void {
    clearInterval(this.#timer);
    this.#abortBefore(Infinity);
  }

  #abortBefore(time: number): void {
    for (const call of this.#running) if (call.begun < time) call.abort();
  }
}

/** A call. Its signal is created on first use, as most calls end before they could be aborted. */
export class Call implements Context {
  readonly begun = Date.now();
  aborted = false;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.aborted) this.#controller.abort(tooLong());
    return this.#controller.signal;
  }

  abort(): void {
    this.aborted = true;
    this.#controller?.abort(tooLong());
  }
}

function tooLong(): FsError {
  return new FsError('ETIMEDOUT', 'fuse', { reason: 'it took too long, or the mount has ended' });
}
