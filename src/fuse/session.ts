import { type Code, FsError, asFsError } from '../vfs/fs-error.ts';
import { Buffers } from './buffers.ts';
import { EINTR, EIO, ENOSYS, Errno, errnoOf } from './errno.ts';
import type { OperationName } from './failures.ts';
import type { FuseLog } from './log.ts';
import { MAX_WRITE } from './negotiation.ts';
import type { Handler } from './operation.ts';
import { BODY } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { Request, SpareAbort } from './request.ts';
import type { State } from './state.ts';
import { InHeader, OutHeader } from './wire/structs.ts';

/** How long an interrupted request may take to end by itself, and again after it was aborted, ms. */
const GRACE = 250;
const SMALL = 8192;

/** Size of the longest request in bytes. */
export const FRAME = MAX_WRITE + 4096;

/** Failures of the connection, which are no fault of this program. */
const EXPECTED: ReadonlySet<Code> = new Set(['EAGAIN', 'ETIMEDOUT']);

interface Pending {
  readonly handler: Handler;
  readonly request: Request;
  readonly since: number;
}

export interface SessionOptions {
  /** Sends a response to the kernel. */
  readonly reply: (from: Buffer, length: number) => void;
  readonly log: FuseLog;
  /** Milliseconds after which a request ends with `ETIMEDOUT`, or with `EIO` if it is about an open file. */
  readonly timeout: number;
}

/**
 * Takes frames, runs their operations and sends the responses. A request that does not wait ends before the next frame
 * is taken.
 */
export class Session {
  readonly #state: State;
  readonly #options: SessionOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #spare = new SpareAbort();
  readonly #small = new Buffers(SMALL);
  readonly #big = new Buffers(BODY + MAX_WRITE);
  readonly #watchdog: NodeJS.Timeout;

  /** @param state whose `interrupt` must call this session's */
  constructor(state: State, options: SessionOptions) {
    this.#state = state;
    this.#options = options;
    const period = Math.max(10, Math.min(1000, options.timeout / 4));
    this.#watchdog = setInterval(() => this.#expire(), period).unref();
  }

  /** Number of requests without a response. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Starts a request, and ends it if it does not wait. Never throws because of the frame's content.
   * @returns true if the frame is still in use; then `done` is called when it no longer is
   */
  take(frame: Buffer, length: number, done: () => void): boolean {
    if (length < InHeader.size) return false;
    const header = InHeader.decode(frame, 0);
    const { unique } = header;
    let handler: Handler | undefined;
    try {
      const request = new Request(header, frame, length, this.#spare);
      handler = OPERATIONS.get(request.opcode);
      if (handler === undefined) throw new Errno(ENOSYS);
      return this.#begin(handler, request, done);
    } catch (error) {
      if (handler?.silent !== true) this.#fail(unique, error, handler?.name ?? 'unknown', false);
      return false;
    }
  }

  /** Interrupts a request that the kernel no longer wants. Does nothing if it has already ended. */
  interrupt(unique: number): void {
    const pending = this.#pending.get(unique);
    if (pending === undefined) return;
    const { request } = pending;
    request.interrupted = true;
    // Programs do not expect EINTR from regular files, so a request that will end soon is not interrupted by a signal.
    this.#later(() => {
      if (!this.#pending.has(unique)) return;
      request.abort(new DOMException('interrupted', 'AbortError'));
      this.#later(() => this.#giveUp(unique, EINTR));
    });
  }

  /** Aborts pending requests, after the end of the connection. */
  close(): void {
    clearInterval(this.#watchdog);
    for (const { request } of this.#pending.values()) {
      request.answered = true;
      request.abort(new DOMException('unmounted', 'AbortError'));
    }
    this.#pending.clear();
  }

  #begin(handler: Handler, request: Request, done: () => void): boolean {
    const buffers = handler.big ? this.#big : this.#small;
    const out = buffers.take();
    let length;
    try {
      length = handler.begin(this.#state, request, out);
    } catch (error) {
      buffers.give(out);
      request.recycle();
      throw error;
    }
    if (length instanceof Promise) {
      void this.#finish(handler, request, length, out, buffers).finally(() => handler.keepsFrame && done());
      return handler.keepsFrame;
    }
    if (!handler.silent) this.#succeed(request.unique, length, out);
    buffers.give(out);
    request.recycle();
    return false;
  }

  async #finish(
    handler: Handler,
    request: Request,
    length: Promise<number>,
    out: Buffer,
    buffers: Buffers,
  ): Promise<void> {
    const { unique } = request;
    this.#pending.set(unique, { handler, request, since: performance.now() });
    try {
      const count = await length;
      if (!request.answered && !handler.silent) this.#succeed(unique, count, out);
    } catch (error) {
      if (!request.answered && !handler.silent) this.#fail(unique, error, handler.name, request.interrupted);
    } finally {
      if (!request.answered) this.#pending.delete(unique);
      buffers.give(out);
    }
  }

  #succeed(unique: number, length: number, out: Buffer): void {
    OutHeader.encode({ len: BODY + length, error: 0, unique }, out, 0);
    this.#options.reply(out, BODY + length);
  }

  #fail(unique: number, error: unknown, op: OperationName, interrupted: boolean): void {
    const errno = errnoOf(error, op, interrupted);
    if (!(error instanceof Errno)) this.#report(error, op, errno);
    this.#answer(unique, errno);
  }

  #answer(unique: number, errno: number): void {
    const out = this.#small.take();
    OutHeader.encode({ len: BODY, error: -errno, unique }, out, 0);
    this.#options.reply(out, BODY);
    this.#small.give(out);
  }

  #report(error: unknown, op: OperationName, errno: number): void {
    const known = asFsError(error, op);
    if (errno === EIO && !EXPECTED.has(known.code)) this.#options.log.error({ err: error, op }, known.message);
    else if (known.reason !== undefined) this.#options.log.debug({ op, code: known.code }, known.message);
  }

  #expire(): void {
    const limit = performance.now() - this.#options.timeout;
    for (const [unique, { handler, request, since }] of this.#pending) {
      if (since > limit) return;
      this.#options.log.warn({ op: handler.name }, 'a request took too long and was aborted');
      request.abort(new DOMException('timed out', 'TimeoutError'));
      this.#giveUp(unique, errnoOf(new FsError('ETIMEDOUT', handler.name), handler.name, false));
    }
  }

  #giveUp(unique: number, errno: number): void {
    const pending = this.#pending.get(unique);
    if (pending === undefined) return;
    pending.request.answered = true;
    this.#pending.delete(unique);
    this.#answer(unique, errno);
  }

  #later(run: () => void): void {
    setTimeout(run, GRACE).unref();
  }
}
