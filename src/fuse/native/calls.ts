import type { Context } from '../../vfs/context.ts';
import { FsError } from '../../vfs/fs-error.ts';

/** How often is looked for calls that take too long, ms. */
const PACE = 1000;

/** The calls under way; none waits for ever. libfuse tells nobody that a caller was interrupted. */
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

  /** Aborts all; new ones are not looked after any more. */
  close(): void {
    clearInterval(this.#timer);
    this.#abortBefore(Infinity);
  }

  #abortBefore(time: number): void {
    for (const call of this.#running) if (call.begun < time) call.abort();
  }
}

/** One call. Its signal is made when somebody asks for it: most are answered before anybody could abort them. */
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
  return new FsError('ETIMEDOUT', 'fuse', { reason: 'it took too long, or the mount is over' });
}
