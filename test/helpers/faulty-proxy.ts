import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What the proxy does to a request or its response:
 * - `pass`: nothing
 * - `reset`: cuts the connection, before the request is forwarded, or after the target has executed it (a lost
 *   response)
 * - `refuse`: responds itself with `status`, with a JSON body if there is a `code`
 * - `hang`: accepts the request and never responds
 * - `delay`: forwards after `ms`
 * - `half`: half of the response's body (at least one byte, if there is any), then the connection is cut
 * - `stall`: like `half`, but then silence
 * - `truncate`: half of the response's body, and a regular end
 * - `flip`: flips one bit of the response's byte at `offset` (default: its middle)
 * - `garbage`: a complete response with status 200 and meaningless content
 * - `flipSent`: flips one bit of the request's byte at `offset` (default: its middle)
 */
export type Fault =
  | { kind: 'pass' | 'hang' | 'half' | 'stall' | 'truncate' | 'garbage' }
  | { kind: 'reset'; executed?: boolean }
  | { kind: 'refuse'; status: number; code?: string; retryAfter?: string }
  | { kind: 'delay'; ms: number }
  | { kind: 'flip' | 'flipSent'; offset?: number };

export interface SeenRequest {
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly fault: Fault['kind'];
}

const pass: Fault = { kind: 'pass' };

/**
 * A proxy in front of an origin that misbehaves as instructed. It streams bodies unless a fault needs the whole body.
 */
export class FaultyProxy {
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #planned: Fault[] = [];
  #port = 0;
  /** What happens to each request for which no fault was planned with `next`. */
  mode: Fault = pass;
  /** Faults apply only to these requests. Others pass, and do not use up planned faults. */
  affects: (request: { readonly method: string; readonly path: string }) => boolean = () => true;
  /** Awaited before a request is forwarded, so that the test can delay it. */
  before: (request: { readonly method: string; readonly path: string }) => Promise<void> | void = () => undefined;
  /** All requests, in the order of their arrival. */
  readonly seen: SeenRequest[] = [];
  /** Bytes of request bodies and response bodies that were forwarded. */
  readonly bytes = { sent: 0, received: 0 };

  constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Faults for the next requests, one each. */
  next(...faults: Fault[]): void {
    this.#planned.push(...faults);
  }

  /** Number of requests so far whose method and path match, such as `count(/^POST \/v1\/blocks$/)`. */
  count(pattern: RegExp = /./): number {
    return this.seen.filter(({ method, path }) => pattern.test(`${method} ${path}`)).length;
  }

  /** Passes everything again, and resets all counters. */
  reset(): void {
    this.mode = pass;
    this.affects = () => true;
    this.before = () => undefined;
    this.#planned.length = 0;
    this.seen.length = 0;
    this.bytes.sent = 0;
    this.bytes.received = 0;
  }

  /** Starts to listen; after `stop` on the same port as before. */
  async start(): Promise<this> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Refuses new connections and cuts existing ones, as if the network were gone. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Cuts all existing connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const path = request.url ?? '/';
    const fault = this.affects({ method, path }) ? (this.#planned.shift() ?? this.mode) : pass;
    this.seen.push({ method, path, fault: fault.kind });
    await this.before({ method, path });
    if (fault.kind === 'delay') await sleep(fault.ms, undefined, { ref: false });
    if (fault.kind === 'hang') return void request.resume();
    if (fault.kind === 'reset' && fault.executed !== true) return void request.socket.destroy();
    if (fault.kind === 'refuse') return refuse(request, response, fault);
    if (fault.kind === 'garbage')
      return void request.resume().on('end', () => response.end('<html>Welcome to the hotel'));
    const answer = await this.#forward(request, fault);
    if (fault.kind === 'reset') return void answer.resume().on('end', () => request.socket.destroy());
    await this.#answer(answer, response, fault);
  }

  async #forward(request: IncomingMessage, fault: Fault): Promise<IncomingMessage> {
    const { hostname, port } = this.#target;
    const headers = { ...request.headers, host: this.#target.host };
    const out = forward({ hostname, port, method: request.method, path: request.url, headers, agent: false });
    request.on('data', (chunk: Buffer) => (this.bytes.sent += chunk.length));
    request.on('close', () => {
      if (!request.complete) out.destroy();
    });
    if (fault.kind === 'flipSent') out.end(flipped(await whole(request), fault.offset));
    else request.pipe(out);
    const [answer] = (await once(out, 'response')) as [IncomingMessage];
    return answer;
  }

  async #answer(answer: IncomingMessage, response: ServerResponse, fault: Fault): Promise<void> {
    response.on('close', () => answer.destroy());
    answer.on('data', (chunk: Buffer) => (this.bytes.received += chunk.length));
    const { connection: _, 'keep-alive': __, ...headers } = answer.headers;
    if (fault.kind === 'pass' || fault.kind === 'delay' || fault.kind === 'flipSent') {
      response.writeHead(answer.statusCode ?? 502, headers).flushHeaders();
      return void answer.pipe(response);
    }
    const body = fault.kind === 'flip' ? await whole(answer) : await someOf(answer);
    const half = body.subarray(0, Math.ceil(body.length / 2));
    if (fault.kind === 'truncate') delete headers['content-length'];
    response.writeHead(answer.statusCode ?? 502, headers);
    if (fault.kind === 'flip') response.end(flipped(body, fault.offset));
    else if (fault.kind === 'truncate') response.end(half);
    else response.write(half, () => fault.kind === 'half' && response.socket?.destroy());
  }
}

/** A proxy that listens on a free port of the loopback. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  return new FaultyProxy(target).start();
}

function refuse(request: IncomingMessage, response: ServerResponse, fault: Fault & { kind: 'refuse' }): void {
  const { status, code, retryAfter } = fault;
  const body = code === undefined ? 'no' : JSON.stringify({ code, message: 'by the proxy' });
  request.resume().on('end', () => {
    response.writeHead(status, {
      'content-type': code === undefined ? 'text/plain' : 'application/json',
      ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
    });
    response.end(body);
  });
}

function flipped(body: Buffer, offset = body.length >> 1): Buffer {
  const copy = Buffer.from(body);
  if (offset < copy.length) copy[offset] = (copy[offset] ?? 0) ^ 0x10;
  return copy;
}

async function whole(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The body; for one that does not end (a stream of events), the part received in the first 300 ms. */
async function someOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  message.on('data', (chunk: Buffer) => chunks.push(chunk));
  await Promise.race([once(message, 'end'), once(message, 'close'), sleep(300, undefined, { ref: false })]);
  return Buffer.concat(chunks);
}
