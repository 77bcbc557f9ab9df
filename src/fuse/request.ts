import { isUtf8 } from 'node:buffer';
import type { Context } from '../vfs/context.ts';
import { FsError } from '../vfs/fs-error.ts';
import { EINVAL, Errno } from './errno.ts';
import type { FieldType, Layout, Values } from './wire/layout.ts';
import { InHeader } from './wire/structs.ts';

/** `fuse_in_header` */
export type Header = ReturnType<typeof InHeader.decode>;

/** Abort controllers cost more than most requests; so one that was not used serves the next request, too. */
export class SpareAbort {
  #spare: AbortController | undefined;

  take(): AbortController {
    const controller = this.#spare ?? new AbortController();
    this.#spare = undefined;
    return controller;
  }

  give(controller: AbortController): void {
    if (!controller.signal.aborted) this.#spare = controller;
  }
}

/**
 * A request: a reader of the kernel's frame, and the context for methods of the port. The frame is only valid until the
 * response is sent.
 */
export class Request implements Context {
  readonly opcode: number;
  readonly unique: number;
  readonly nodeid: number;
  /** The process that asks; 0 if it is not known here. */
  readonly pid: number;
  /** The caller does not wait any more: it was interrupted, or took too long. */
  answered = false;
  /** True if the waiting program has received a signal. */
  interrupted = false;
  readonly #frame: Buffer;
  readonly #end: number;
  readonly #spare: SpareAbort;
  #at = InHeader.size;
  #abort: AbortController | undefined;

  /** @throws Errno EINVAL if the frame is shorter than it says */
  constructor(header: Header, frame: Buffer, length: number, spare: SpareAbort) {
    this.opcode = header.opcode;
    this.unique = header.unique;
    this.nodeid = header.nodeid;
    this.pid = header.pid;
    this.#frame = frame;
    this.#spare = spare;
    this.#end = header.len - 8 * header.totalExtlen;
    if (header.len > length || this.#end < InHeader.size) throw new Errno(EINVAL);
  }

  /** Created on first use, as most requests end before they could be aborted. */
  get signal(): AbortSignal {
    this.#abort ??= this.#spare.take();
    return this.#abort.signal;
  }

  get aborted(): boolean {
    return this.#abort?.signal.aborted ?? false;
  }

  abort(reason: Error): void {
    this.#abort ??= this.#spare.take();
    this.#abort.abort(reason);
  }

  /** To be called after a synchronous request: nothing can be waiting on the signal, so another request may use it. */
  recycle(): void {
    if (this.#abort !== undefined) this.#spare.give(this.#abort);
  }

  /** Reads the next struct. @throws Errno EINVAL if the frame ends before it does */
  struct<F extends Readonly<Record<string, FieldType>>>(layout: Layout<F>): Values<F> {
    const at = this.#take(layout.size);
    return layout.decode(this.#frame, at);
  }

  /** True if a struct of this size follows. */
  has(size: number): boolean {
    return this.#at + size <= this.#end;
  }

  /**
   * Reads the next string, up to its NUL. @throws Errno EINVAL if there is no NUL; FsError EINVAL if it is not UTF-8
   */
  string(): string {
    const end = this.#frame.indexOf(0, this.#at);
    if (end < 0 || end >= this.#end) throw new Errno(EINVAL);
    const start = this.#at;
    this.#at = end + 1;
    const text = this.#frame.toString('latin1', start, end);
    if (isAscii(text)) return text;
    const bytes = this.#frame.subarray(start, end);
    if (!isUtf8(bytes)) throw new FsError('EINVAL', 'name');
    return bytes.toString('utf8');
  }

  /** Reads the next bytes, without copying them. @throws Errno EINVAL if the frame is too short */
  bytes(length: number): Buffer {
    const at = this.#take(length);
    return this.#frame.subarray(at, at + length);
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#end) throw new Errno(EINVAL);
    this.#at = at + length;
    return at;
  }
}

const beyondAscii = /[\u0080-\u00ff]/;

function isAscii(text: string): boolean {
  return !beyondAscii.test(text);
}
