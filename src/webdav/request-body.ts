import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Awaitable } from '../vfs/context.ts';
import { DavError } from './dav-error.ts';
import { XmlReader } from './xml/reader.ts';
import type { XmlElement } from './xml/element.ts';

/** Most bytes that are received and not yet consumed. Beyond it the socket is not read. */
const QUEUE_LIMIT = 1024 * 1024;
/** How long a refused client may continue to send, ms. */
const SWALLOW_TIME = 3000;

export interface BodyLimits {
  /** A request whose body delivers nothing for this long is aborted, ms. */
  readonly bodyIdle: number;
  /** An XML body must be complete within this time, ms. */
  readonly xmlDeadline: number;
  /** Largest XML body in bytes. */
  readonly xmlSize: number;
}

type Consume = (chunk: Buffer) => Awaitable<void>;

/** The body of a request. Starting to read it sends `100 Continue`. It can be read once. */
export class RequestBody {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #limits: BodyLimits;
  #awaited: boolean;

  /** @param awaited whether the client waits for `100 Continue` */
  constructor(req: IncomingMessage, res: ServerResponse, limits: BodyLimits, awaited: boolean) {
    this.#req = req;
    this.#res = res;
    this.#limits = limits;
    this.#awaited = awaited;
  }

  /** Announced length in bytes; `undefined` for a chunked body, 0 if there is no body. */
  get length(): number | undefined {
    const { headers } = this.#req;
    if (headers['transfer-encoding'] !== undefined) return undefined;
    return Number(headers['content-length'] ?? 0);
  }

  /** True while bytes of the body may still arrive. */
  get pending(): boolean {
    return !this.#req.complete && this.length !== 0;
  }

  /** True if `100 Continue` was requested but not sent. */
  get refused(): boolean {
    return this.#awaited;
  }

  /**
   * Passes the body to `consume` chunk by chunk, one call at a time. Resolves at the end of the body, or, if `expected`
   * is given, as soon as that number of bytes has arrived, as some clients never end their chunked bodies.
   * @throws DavError 408 if the client stops sending, 400 if it disconnects or sends another number of bytes
   */
  async pump(consume: Consume, expected: number | undefined, deadline?: number): Promise<void> {
    if (this.length === 0) {
      if (expected !== undefined && expected !== 0) throw mismatch(0, expected);
      return;
    }
    if (this.#awaited) {
      this.#awaited = false;
      this.#res.writeContinue();
    }
    await new Pump(this.#req, consume, expected, this.#limits.bodyIdle, deadline).done;
  }

  /** Reads and discards the rest of the body, up to `limit` bytes and for a few seconds. Never rejects. */
  async swallow(limit: number): Promise<void> {
    let left = limit;
    const consume = (chunk: Buffer): void => {
      left -= chunk.length;
      if (left < 0) throw new DavError(413, 'The rest of the body is too long to be discarded.');
    };
    await new Pump(this.#req, consume, undefined, SWALLOW_TIME, SWALLOW_TIME).done.catch(() => {});
  }

  /** Parses an XML body as it arrives; `undefined` for an empty one. @throws DavError 400, 408, 413 */
  async xml(): Promise<XmlElement | undefined> {
    const { length } = this;
    const { xmlSize, xmlDeadline } = this.#limits;
    if (length === 0) return undefined;
    if (length !== undefined && length > xmlSize) throw tooLarge(xmlSize);
    const reader = new XmlReader();
    let received = 0;
    const consume = (chunk: Buffer): void => {
      received += chunk.length;
      if (received > xmlSize) throw tooLarge(xmlSize);
      reader.write(chunk);
    };
    await this.pump(consume, length, xmlDeadline);
    return reader.end();
  }
}

/** Turns the events of a body into calls of `consume`, in order, through a bounded queue. */
class Pump {
  readonly done: Promise<void>;
  readonly #req: IncomingMessage;
  readonly #consume: Consume;
  readonly #expected: number | undefined;
  readonly #queue: Buffer[] = [];
  readonly #idle: NodeJS.Timeout;
  readonly #deadline: NodeJS.Timeout | undefined;
  #queued = 0;
  #received = 0;
  #ended = false;
  #busy = false;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor(req: IncomingMessage, consume: Consume, expected: number | undefined, idle: number, deadline?: number) {
    this.#req = req;
    this.#consume = consume;
    this.#expected = expected;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const late = (): void => this.#finish(new DavError(408, 'The request body did not arrive in time.'));
    // While `consume` is busy, the lack of data is not the client's fault.
    this.#idle = setTimeout(() => (this.#busy ? this.#idle.refresh() : late()), idle);
    this.#deadline = deadline === undefined ? undefined : setTimeout(late, deadline);
    req.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onClose);
    req.resume();
    if (req.destroyed) this.#onClose();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#idle.refresh();
    this.#received += chunk.length;
    this.#queued += chunk.length;
    this.#queue.push(chunk);
    if (this.#expected !== undefined && this.#received >= this.#expected) this.#ended = true;
    if (this.#queued > QUEUE_LIMIT) this.#req.pause();
    this.#drain();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#drain();
  };

  readonly #onClose = (): void => {
    if (!this.#ended) this.#finish(new DavError(400, 'The request body broke off.'));
  };

  /** Calls `consume` for queued chunks, without a turn of the event loop as long as it returns synchronously. */
  #drain(): void {
    while (!this.#busy) {
      const chunk = this.#queue.shift();
      if (chunk === undefined) break;
      this.#queued -= chunk.length;
      if (this.#queued <= QUEUE_LIMIT / 2 && this.#req.isPaused()) this.#req.resume();
      if (!this.#feed(chunk)) return;
    }
    if (this.#ended && !this.#busy) this.#complete();
  }

  #feed(chunk: Buffer): boolean {
    try {
      const waiting = this.#consume(chunk);
      if (!(waiting instanceof Promise)) return true;
      this.#busy = true;
      waiting.then(this.#consumed, (error: unknown) => this.#finish(error));
      return true;
    } catch (error) {
      this.#finish(error);
      return false;
    }
  }

  readonly #consumed = (): void => {
    this.#busy = false;
    this.#idle.refresh();
    this.#drain();
  };

  #complete(): void {
    const wrong = this.#expected !== undefined && this.#received !== this.#expected;
    this.#finish(wrong ? mismatch(this.#received, this.#expected ?? 0) : undefined);
  }

  #finish(error?: unknown): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#deadline);
    const req = this.#req;
    req.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose).off('error', this.#onClose);
    this.#queue.length = 0;
    if (error === undefined) this.#resolve();
    else this.#reject(error);
  }
}

function mismatch(received: number, expected: number): DavError {
  return new DavError(400, `The body has ${received} bytes, but ${expected} were announced.`);
}

function tooLarge(limit: number): DavError {
  return new DavError(413, `An XML body can have at most ${limit} bytes.`);
}
