import type { Socket } from 'node:net';
import { buildConnector, Pool, type Dispatcher } from 'undici';
import { limitReceiveBuffer } from '../../libc/receive-buffer.ts';
import { FsError } from '../../vfs/fs-error.ts';

/** Milliseconds. */
export interface Timeouts {
  readonly connect: number;
  /**
   * From the last byte of the request to the first of the response. Request bodies get additional time for their size.
   */
  readonly headers: number;
  /** Longest pause within a response. */
  readonly body: number;
}

export const timeoutDefaults: Timeouts = { connect: 5000, headers: 30_000, body: 30_000 };

export interface DispatcherOptions {
  /** Address of the cloud, without a path: `https://cloud.example:4010`. */
  readonly url: string;
  /** The device's token; none before login. */
  readonly token?: string | undefined;
  /** Most connections at a time. */
  readonly connections?: number | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  /** Permits `http:` to other computers; the token and all content can then be read in transit. */
  readonly allowPlain?: boolean | undefined;
  /** Certificates (PEM) to trust instead of the system's list, for a cloud with a private certificate authority. */
  readonly ca?: string | undefined;
  /** Receives into memory that is used again: only for responses whose chunks are copied as they come (`Http.pour`). */
  readonly reusesMemory?: boolean | undefined;
  /** Bytes that a connection takes in before they are read; the system decides if absent. */
  readonly receiveBuffer?: number | undefined;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Parses and checks the address of a cloud. @throws EINVAL if it is invalid, or the token would be sent unencrypted
 * over a network
 */
export function checkUrl(url: string, allowPlain = false): URL {
  const refused = (reason: string) => new FsError('EINVAL', 'connect', { subject: url, reason });
  if (!URL.canParse(url)) throw refused('this is not a URL; write https://HOST');
  const parsed = new URL(url);
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') throw refused('the URL must begin with https://');
  if (parsed.protocol === 'http:' && !allowPlain && !LOOPBACK.test(parsed.hostname)) {
    throw refused('http:// is only permitted for this computer; use https://');
  }
  if (parsed.username !== '' || parsed.password !== '')
    throw refused('a URL with a user name or password is not accepted; use `fjord login`');
  return parsed;
}

/**
 * A pool of keep-alive connections to the cloud, each with one request at a time, so that a slow response does not
 * delay others. Retries are not implemented as an interceptor, because they must also cover errors found while a
 * response is read (a truncated frame, a wrong digest), and nested retries would multiply.
 */
export function openDispatcher(options: DispatcherOptions): Dispatcher {
  const url = checkUrl(options.url, options.allowPlain);
  const timeouts = { ...timeoutDefaults, ...options.timeouts };
  const connect = {
    timeout: timeouts.connect,
    noDelay: true,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  };
  const pool = new Pool(url.origin, {
    connections: options.connections ?? 16,
    pipelining: 1,
    headersTimeout: timeouts.headers,
    bodyTimeout: timeouts.body,
    keepAliveTimeout: 30_000,
    connect: bounded(
      url.protocol === 'http:' && options.reusesMemory === true ? connectWithMemory(connect) : buildConnector(connect),
      options.receiveBuffer,
    ),
  });
  return pool.compose(withHeaders({ 'user-agent': 'fjord', ...authorization(options.token) }));
}

function bounded(connect: buildConnector.connector, receiveBuffer: number | undefined): buildConnector.connector {
  if (receiveBuffer === undefined) return connect;
  return (target, callback) =>
    connect(target, (...[error, socket]: Parameters<buildConnector.Callback>) => {
      if (error !== null) return callback(error, null);
      const go = (): void => callback(null, socket);
      void limitReceiveBuffer(socket, receiveBuffer).then(go, go);
    });
}

function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** Adds headers to every request. Requests must have their own headers as a record. */
function withHeaders(added: Record<string, string>): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (request, handler) =>
    dispatch(
      { ...request, headers: { ...added, ...(request.headers as Record<string, string> | undefined) } },
      handler,
    );
}

/** Bytes received at a time. */
const RECEIVED = 256 * 1024;

/**
 * Connections that receive into two buffers in turn: Node takes fresh memory for each chunk, which is most of what V8 has to collect
 * in a download. A chunk is not overwritten before the next one has been received and read: after each the socket stops receiving, and
 * it starts again, with its other buffer, only when all that it holds is being read (`highWaterMark`).
 */
function connectWithMemory(options: buildConnector.BuildOptions): buildConnector.connector {
  return (target, callback) => {
    const buffers = [Buffer.allocUnsafeSlow(RECEIVED), Buffer.allocUnsafeSlow(RECEIVED)] as const;
    let turn = 0;
    const onread = {
      buffer: () => buffers[turn++ % 2],
      callback(this: Socket, count: number, buffer: Uint8Array) {
        this.push(buffer.subarray(0, count));
        return false;
      },
    };
    const socket: object = { onread, highWaterMark: 1 };
    buildConnector({ ...options, ...socket })(target, callback);
  };
}
