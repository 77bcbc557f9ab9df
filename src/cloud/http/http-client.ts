import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Context } from '../../vfs/context.ts';
import type { FsError } from '../../vfs/fs-error.ts';
import { admitted, Bandwidth, paced, slices } from './bandwidth.ts';
import { openDispatcher, timeoutDefaults, type DispatcherOptions } from './dispatcher.ts';
import { BrokenResponse, classify, RefusedAnswer } from './errors.ts';
import { readNdjson } from './ndjson.ts';
import { Pouring } from './pouring.ts';
import { retryDefaults, Tries, type RetryOptions, type Subject } from './retry.ts';
import { checked, type Shape } from './shape.ts';
import type { Allowance, Lane } from './token-bucket.ts';
import type { WireError } from './wire.ts';
import { parse, wireErrorOf } from './wire-error.ts';

export interface HttpOptions extends DispatcherOptions {
  readonly retry?: Partial<RetryOptions> | undefined;
  /** The time, ms since 1970, for a `Retry-After` with a date. */
  readonly now?: (() => number) | undefined;
  /** Shared with other clients; a line without limits if absent. */
  readonly bandwidth?: Bandwidth | undefined;
  /** What responses take from; the bandwidth if absent. */
  readonly down?: Allowance | undefined;
}

export interface Call extends Subject {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  /** A value to send as JSON, or bytes. */
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  /** Longest pause before and within the response, ms, instead of the default ones. */
  readonly silence?: number;
  /** Of the bytes that it transfers; `first` if absent. */
  readonly lane?: Lane;
}

export type Body = AsyncIterable<Buffer>;

/** Largest JSON response in bytes; the service sends no larger ones. */
const LARGEST_JSON = 64 * 1024 * 1024;
/** Bytes of a request body that even a slow connection sends in a millisecond. */
const SLOW_LINE = 32;
const ERROR_BODY = 64 * 1024;
/** Of a limited line, bytes. */
const SMALLEST_BUFFER = 16 * 1024;
const LARGEST_BUFFER = 512 * 1024;

/** Calls to one origin: sends requests, retries them, and reads the kinds of responses that the API has. */
export class Http {
  readonly #options: HttpOptions;
  readonly #retry: RetryOptions;
  readonly #prefix: string;
  readonly #bandwidth: Bandwidth;
  readonly #down: Allowance;
  #dispatcher: Dispatcher;
  /** Connections of a limited line: what one takes in before it is read comes at once, whatever the limit. */
  #narrow: { readonly receiveBuffer: number; readonly dispatcher: Dispatcher } | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#retry = { ...retryDefaults, ...options.retry };
    this.#bandwidth = options.bandwidth ?? new Bandwidth();
    this.#down = options.down ?? this.#bandwidth.down;
    this.#dispatcher = openDispatcher(options);
    this.#prefix = new URL(options.url).pathname.replace(/\/+$/, '');
  }

  tries(about: Subject, context: Context): Tries {
    return new Tries(this.#retry, about, context);
  }

  /** Runs `attempt` until it succeeds or no retry is left. @throws FsError */
  async repeat<T>(about: Subject, context: Context, attempt: () => Promise<T>): Promise<T> {
    const tries = this.tries(about, context);
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        await tries.next(error);
      }
    }
  }

  /** Resolves to a JSON response of the given shape. @throws FsError */
  async json<T>(call: Call, shape: Shape<T>, context: Context): Promise<T> {
    return this.repeat(call, context, async () => {
      const body = await this.open(call, context);
      return checked(shape, parse(await collect(body, LARGEST_JSON)));
    });
  }

  /** Makes a call and ignores the content of the response. @throws FsError */
  async done(call: Call, context: Context): Promise<void> {
    await this.repeat(call, context, async () => {
      const body = await this.open(call, context);
      for await (const _ of body) continue;
    });
  }

  /** Resolves to a response of at most `limit` bytes. @throws FsError */
  async bytes(call: Call, limit: number, context: Context): Promise<Buffer> {
    return this.repeat(call, context, async () => collect(await this.open(call, context), limit));
  }

  /** Yields the values of an NDJSON response. Retried until the first values have arrived. @throws FsError */
  async *lines(call: Call, context: Context): AsyncGenerator {
    const chunks = await this.repeat(call, context, async () => {
      const values = readNdjson(await this.open(call, context));
      return { first: await values.next(), values };
    });
    try {
      if (chunks.first.done !== true) yield* chunks.first.value;
      for await (const values of chunks.values) yield* values;
    } catch (error) {
      throw this.failure(error, call, context);
    } finally {
      await chunks.values.return(undefined);
    }
  }

  /** The final error for a failure in the middle of a response. */
  failure(thrown: unknown, { op, subject }: Subject, { signal }: Context): FsError {
    return classify(thrown, op, subject, signal).error;
  }

  /**
   * Makes one attempt. Resolves to the body of a 2xx response, which must be iterated, if not to its end. @throws
   * errors for `classify`
   */
  async open(call: Call, { signal }: Context): Promise<Body> {
    signal.throwIfAborted();
    const request = await this.#request(call, signal);
    const response = await this.#line.request({ ...request, signal, highWaterMark: 1024 * 1024 });
    if (response.statusCode >= 200 && response.statusCode < 300) {
      return paced(response.body, {
        allowance: this.#down,
        passed: this.#bandwidth.passed,
        lane: laneOf(call),
        signal,
      });
    }
    throw new RefusedAnswer(
      response.statusCode,
      await wireError(response.body),
      this.#after(response.headers['retry-after']),
    );
  }

  /**
   * As `open`, without memory for what is on its way: `sink` has copied what it needs of a chunk when it returns, as the memory
   * of the next one may be the same. If it returns a promise, no more comes until that resolves. Resolves at the end.
   * @throws what `classify` understands, and what `sink` throws
   */
  async pour(call: Call, sink: (chunk: Uint8Array) => Promise<void> | undefined, { signal }: Context): Promise<void> {
    signal.throwIfAborted();
    const request = await this.#request(call, signal);
    const pace = { allowance: this.#down, passed: this.#bandwidth.passed, lane: laneOf(call), signal };
    await new Promise<void>((resolve, reject) => {
      const pouring = { sink: admitted(sink, pace), signal, resolve, reject, after: this.#afterOf };
      this.#line.dispatch(request, new Pouring(pouring));
    });
  }

  readonly #afterOf = (header: string | string[] | undefined): number | undefined => this.#after(header);

  /**
   * Gives up all connections and goes on with new ones: after a suspension, or a change of network, the old ones would
   * be waited for in vain. Calls under way are tried again.
   */
  renew(): void {
    const old = [this.#dispatcher, this.#narrow?.dispatcher];
    this.#dispatcher = openDispatcher(this.#options);
    this.#narrow = undefined;
    const replaced = Object.assign(new Error('the connection was replaced by a new one'), { code: 'ECONNRESET' });
    for (const one of old) void one?.destroy(replaced);
  }

  /** Closes all connections. Calls in progress fail with `EINTR`. */
  async close(): Promise<void> {
    await Promise.all([this.#dispatcher.destroy(), this.#narrow?.dispatcher.destroy()]);
  }

  get #line(): Dispatcher {
    const { rate } = this.#down;
    if (rate === undefined) return this.#dispatcher;
    const receiveBuffer = receiveBufferFor(rate);
    if (this.#narrow?.receiveBuffer !== receiveBuffer) {
      // What is under way on the old ones is received to its end.
      void this.#narrow?.dispatcher.close();
      this.#narrow = { receiveBuffer, dispatcher: openDispatcher({ ...this.#options, receiveBuffer }) };
    }
    return this.#narrow.dispatcher;
  }

  /** A small body waits until it may go; a large one does so slice by slice. */
  async #request(call: Call, signal: AbortSignal): Promise<Dispatcher.DispatchOptions> {
    const content = bodyOf(call);
    const length = content.body?.length ?? 0;
    if (call.bytes === undefined && length > 0) {
      await this.#bandwidth.up.take(length, laneOf(call), signal);
      this.#bandwidth.passed.up += length;
    }
    const headers = call.silence ?? this.#options.timeouts?.headers ?? timeoutDefaults.headers;
    return {
      method: call.method,
      path: this.#prefix + call.path,
      headers: content.type === undefined ? {} : { 'content-type': content.type, 'content-length': String(length) },
      headersTimeout: headers + Math.ceil(length / SLOW_LINE),
      ...(content.body === undefined ? {} : { body: this.#body(call, content.body, signal) }),
      ...(call.silence === undefined ? {} : { bodyTimeout: call.silence }),
    };
  }

  #body(call: Call, body: Uint8Array, signal: AbortSignal): Uint8Array | Readable {
    // undici sends any iterable; its type for `dispatch` names only streams.
    const sliced = (): unknown => slices(body, this.#bandwidth, laneOf(call), signal);
    return call.bytes === undefined ? body : (sliced() as Readable);
  }

  /** RFC 9110, section 10.2.3: seconds, or a date. */
  #after(header: string | string[] | undefined): number | undefined {
    if (typeof header !== 'string') return undefined;
    const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - (this.#options.now ?? Date.now)();
    return Number.isFinite(ms) && ms > 0 ? ms : undefined;
  }
}

/** A share for each of several connections; the system gives each twice as much, as it counts its own needs. */
function receiveBufferFor(rate: number): number {
  return Math.min(LARGEST_BUFFER, Math.max(SMALLEST_BUFFER, 2 ** Math.ceil(Math.log2(rate / 64))));
}

function laneOf({ lane = 'first' }: Call): Lane {
  return lane;
}

function bodyOf({ json, bytes }: Call): { body?: Uint8Array; type?: string } {
  if (bytes) return { body: bytes, type: 'application/octet-stream' };
  return json === undefined ? {} : { body: Buffer.from(JSON.stringify(json)), type: 'application/json' };
}

/** @throws BrokenResponse if there are more bytes than `limit` */
async function collect(body: Body, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new BrokenResponse(`the cloud's response has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The service's account of an error; undefined if the body is not one. @throws if the body does not come whole */
async function wireError(body: Body): Promise<WireError | undefined> {
  return wireErrorOf(await collect(body, ERROR_BODY));
}
