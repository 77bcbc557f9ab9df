import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { v4 } from 'uuid';
import { background } from '../vfs/context.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { Hold } from '../vfs/file-system.ts';
import { authenticator } from './auth/auth.ts';
import { Dispatcher } from './dispatcher.ts';
import { HotFiles } from './hot-files.ts';
import { Hosts, bracket, isLoopback, isWildcard } from './hosts.ts';
import { lookupPath } from './locate.ts';
import type { Lock } from './locks/lock.ts';
import { LockTable } from './locks/lock-table.ts';
import type { Limits, ListenOptions, WebDavServerOptions } from './options.ts';
import { DEFAULT_LIMITS } from './options.ts';
import { TextMemory } from './text-memory.ts';

/** How long `close` waits for requests in progress, ms. */
const DRAIN = 10_000;

/** Serves a `FileSystem` over WebDAV (RFC 4918, classes 1, 2 and 3). */
export class WebDavServer {
  readonly #options: WebDavServerOptions;
  readonly #limits: Limits;
  readonly #now: () => number;
  readonly #locks: LockTable;
  #server: http.Server | undefined;
  #dispatcher: Dispatcher | undefined;
  #url: string | undefined;

  constructor(options: WebDavServerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#now = options.now ?? Date.now;
    this.#locks = new LockTable(options.lockStore, this.#now);
  }

  /** Address of the drive's root, ending in `/`. @throws Error before `listen` */
  get url(): string {
    if (this.#url === undefined) throw new Error('the server is not listening; call listen first');
    return this.#url;
  }

  /**
   * Restores the locks from the store and starts to serve. To be called once.
   * @throws FsError EACCES for an address that other computers can reach, without TLS; what `node:net` throws if the
   * address is in use
   */
  async listen({ host, port, tls }: ListenOptions): Promise<void> {
    if (tls === undefined && !isLoopback(host)) {
      const reason =
        'On this address, other computers could read the password and the files in transit: listen on 127.0.0.1, or set a TLS certificate.';
      throw new FsError('EACCES', 'listen', { subject: host, reason });
    }
    await this.#locks.restore((lock) => this.#hold(lock));
    const dispatcher = this.#makeDispatcher(host);
    const server = this.#makeServer(dispatcher, tls);
    this.#dispatcher = dispatcher;
    this.#server = server;
    server.listen(port, host.replaceAll(/[[\]]/g, ''));
    await once(server, 'listening');
    server.on('error', (err) => this.#options.log.error({ err }, 'The server failed'));
    const name = isWildcard(host) ? (this.#options.hosts?.[0] ?? 'localhost') : bracket(host);
    this.#url = `${tls === undefined ? 'http' : 'https'}://${name}:${(server.address() as AddressInfo).port}/`;
  }

  /** Accepts no more requests, waits for those in progress (at most ten seconds) and releases the nodes of locks. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) {
      const closed = once(server, 'close');
      server.close();
      const timer = setTimeout(() => server.closeAllConnections(), DRAIN);
      await this.#dispatcher?.drain();
      server.closeAllConnections();
      await closed;
      clearTimeout(timer);
    }
    this.#locks.close();
  }

  #makeDispatcher(host: string): Dispatcher {
    const {
      fs,
      auth,
      log,
      quota = 'auto',
      hosts = [],
      random = randomBytes,
      statusPage = () => undefined,
    } = this.#options;
    const wildcard = host === '0.0.0.0' || host === '::';
    const names = new Hosts(wildcard ? hosts : [...hosts, host]);
    const door = {
      fs,
      locks: this.#locks,
      hot: new HotFiles(),
      textMemory: new TextMemory(),
      quota,
      statusPage,
      lockTimeout: this.#limits.lockTimeout,
      now: this.#now,
      uuid: () => v4({ random: random(16) }),
      isOwn: (authority: string, own: string | undefined) => names.isOwn(authority, own),
    };
    return new Dispatcher({
      door,
      hosts: names,
      auth: authenticator(auth, this.#now, random),
      log,
      limits: this.#limits,
    });
  }

  #makeServer(dispatcher: Dispatcher, tls: ListenOptions['tls']): http.Server {
    const { headDeadline, headSize, keepAlive } = this.#limits;
    const options: http.ServerOptions = {
      requestTimeout: 0,
      headersTimeout: headDeadline,
      keepAliveTimeout: keepAlive,
      maxHeaderSize: headSize,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      connectionsCheckingInterval: Math.min(30_000, headDeadline),
    };
    const server = tls === undefined ? http.createServer(options) : https.createServer({ ...options, ...tls });
    server.on('request', (req, res) => void dispatcher.serve(req, res, false));
    server.on('checkContinue', (req, res) => void dispatcher.serve(req, res, true));
    server.on('checkExpectation', (_req, res) => res.writeHead(417, { 'Content-Length': 0 }).end());
    server.on('clientError', answerClientError);
    return server;
  }

  async #hold(lock: Lock): Promise<Hold | undefined> {
    const attr = await lookupPath(this.#options.fs, lock.names, background);
    return attr === undefined ? undefined : this.#options.fs.hold(attr.id, background);
  }
}

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Sends a short response to input that is not valid HTTP, and closes the connection. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
