import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Type, type Static } from 'typebox';
import { FsError } from '../../vfs/fs-error.ts';
import type { Controls } from '../control/controls.ts';
import { sendFailure } from '../control/failure.ts';
import { addStateRoutes } from '../control/state-routes.ts';
import { readFolder } from './chosen-folder.ts';
import { readLogTail } from './log-tail.ts';
import { checkHost, checkOrigin } from './own-origin.ts';
import type { PageFile } from './page-files.ts';
import { PageSessions } from './page-sessions.ts';

const HOST = '127.0.0.1';
/** Lines of the log that are shown. */
const LOG_LINES = 200;

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const SIGNED_IN = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Fjord</title>
<meta http-equiv="refresh" content="0; url=/"><a href="/">Fjord</a></html>`;

const SIGNED_OUT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Fjord</title>
<h1>Fjord</h1><p>Use the command <code>fjord open</code> to open this page: its link signs this browser in.</p></html>`;

const FolderQuery = Type.Object({ path: Type.Optional(Type.String({ minLength: 1 })) });

export interface PageServerOptions {
  readonly controls: Controls;
  /** Of the page, by their paths. */
  readonly files: ReadonlyMap<string, PageFile>;
  /** Path of the gateway's log. */
  readonly logPath: string;
  /** The port of the last run, used if it is free. */
  readonly port?: number | undefined;
  readonly log: Logger;
}

/**
 * The status page of the gateway, on a port of loopback. It can do what the control socket can, but for content: only browsers
 * that a link of `link` has opened are served, and only calls that the page itself makes.
 */
export class PageServer {
  readonly #app: FastifyInstance;
  readonly #sessions = new PageSessions(() => performance.now());
  readonly #files: PageServerOptions['files'];

  private constructor({ controls, files, logPath, log }: PageServerOptions) {
    this.#files = files;
    this.#app = fastify({ forceCloseConnections: true });
    this.#app.setErrorHandler((error, request, reply) => sendFailure(error, request, reply, log));
    this.#app.setNotFoundHandler((_request, reply) =>
      reply.code(404).headers(HEADERS).type('text/plain').send('not found'),
    );
    this.#app.addHook('onRequest', async (request) => checkHost(request));
    this.#app.get<{ Params: { token: string } }>('/open/:token', (request, reply) => this.#open(request, reply));
    for (const path of files.keys()) this.#app.get(path, (request, reply) => this.#send(path, request, reply));
    this.#app.get('/', (request, reply) => this.#send('/index.html', request, reply));
    void this.#app.register(async (api) => this.#addApi(api, controls, logPath), { prefix: '/api' });
  }

  static async open(options: PageServerOptions): Promise<PageServer> {
    const server = new PageServer(options);
    await server.#listen(options.port ?? 0);
    return server;
  }

  get port(): number {
    return (this.#app.server.address() as AddressInfo).port;
  }

  /** The address of the page, for a browser that is signed in. */
  get url(): string {
    return `http://${HOST}:${this.port}/`;
  }

  /** An address that signs the browser in that opens it first, within five minutes. */
  link(): string {
    return `${this.url}open/${this.#sessions.link()}`;
  }

  async close(): Promise<void> {
    await this.#app.close();
  }

  async #listen(port: number): Promise<void> {
    try {
      await this.#app.listen({ host: HOST, port });
    } catch (error) {
      if (port === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      await this.#app.listen({ host: HOST, port: 0 });
    }
  }

  #open(request: FastifyRequest<{ Params: { token: string } }>, reply: FastifyReply): FastifyReply {
    const session = this.#sessions.redeem(request.params.token);
    if (session === undefined) return this.#refuse(reply);
    // The name contains the port, as all ports of a computer share their cookies.
    const cookie = `${this.#cookie()}=${session}; Path=/; HttpOnly; SameSite=Strict`;
    // A redirect would count as coming from where the link was, and cookies of this kind are not sent then.
    return reply
      .headers({ ...HEADERS, 'set-cookie': cookie })
      .type('text/html; charset=utf-8')
      .send(SIGNED_IN);
  }

  #send(path: string, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const file = this.#files.get(path);
    if (!this.#isSignedIn(request) || file === undefined) return this.#refuse(reply);
    return reply.headers(HEADERS).type(file.type).send(file.bytes);
  }

  #refuse(reply: FastifyReply): FastifyReply {
    return reply.code(401).headers(HEADERS).type('text/html; charset=utf-8').send(SIGNED_OUT);
  }

  #addApi(api: FastifyInstance, controls: Controls, logPath: string): void {
    api.addHook('onRequest', async (request, reply) => {
      void reply.headers(HEADERS);
      checkOrigin(request);
      if (!this.#isSignedIn(request)) throw new FsError('EPERM', 'status page', { reason: 'use `fjord open` again' });
    });
    addStateRoutes(api, controls);
    api.get('/log', () => readLogTail(logPath, LOG_LINES));
    api.get('/choose', { schema: { querystring: FolderQuery } }, ({ query }) =>
      readFolder((query as Static<typeof FolderQuery>).path),
    );
  }

  #isSignedIn({ headers }: FastifyRequest): boolean {
    const name = `${this.#cookie()}=`;
    const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim());
    const session = pairs.find((pair) => pair.startsWith(name))?.slice(name.length);
    return session !== undefined && this.#sessions.has(session);
  }

  #cookie(): string {
    return `fjord-page-${this.port}`;
  }
}
