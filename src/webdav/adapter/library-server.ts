import { createHash, timingSafeEqual } from 'node:crypto';
import domain from 'node:domain';
import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { v2 as webdav } from 'webdav-server';
import type { FileSystem } from '../../vfs/file-system.ts';
import { DriveFileSystem } from './file-system.ts';

export interface LibraryServerOptions {
  readonly fs: FileSystem;
  readonly user: string;
  readonly password: string;
  /** Called with errors that the library did not catch; the response to the request was a 500. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Serves a drive with the package `webdav-server`, for comparison with our own engine
 * (`--webdav-engine=webdav-server`). It listens on loopback only, as the package checks neither Host nor Origin.
 */
export class LibraryServer {
  readonly #http: Server;
  readonly #library: webdav.WebDAVServer;
  readonly #onError: (error: unknown) => void;

  constructor({ fs, user, password, onError = () => undefined }: LibraryServerOptions) {
    this.#onError = onError;
    this.#library = new webdav.WebDAVServer({ httpAuthentication: new BasicAuthentication(user, password) });
    this.#library.setFileSystemSync('/', new DriveFileSystem(fs), true);
    // The package treats POST as PUT, so any web page could overwrite a file.
    delete (this.#library as unknown as { methods: Record<string, unknown> }).methods['post'];
    this.#http = createServer({ requestTimeout: 0, keepAliveTimeout: 75_000 }, (request, response) => {
      this.#handle(request, response);
    });
  }

  /** @throws EADDRINUSE and other errors of `listen` */
  async listen({ port }: { readonly port: number }): Promise<void> {
    this.#http.listen(port, '127.0.0.1');
    await once(this.#http, 'listening');
  }

  /** Ends in `/`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    if (!this.#http.listening) return;
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const refusal = refuse(request, (this.#http.address() as AddressInfo).port);
    if (refusal !== undefined) {
      response.writeHead(refusal).end();
      return;
    }
    // The package throws inside callbacks, beyond the reach of our `try`; a domain assigns such an error to its
    // request.
    const guard = domain.create();
    guard.on('error', (error) => {
      this.#onError(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
    guard.add(request);
    guard.add(response);
    guard.run(() => void this.#library.executeRequest(request, response));
  }
}

/** The status for a request that must not reach the package, or `undefined` if it may. */
function refuse({ url = '', headers }: IncomingMessage, port: number): number | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!hosts.includes(headers.host ?? '')) return 403;
  if (headers.origin !== undefined && !hosts.includes(headers.origin.replace(/^http:\/\//, ''))) return 403;
  if (!decodes(url) || !decodes(String(headers['destination'] ?? ''))) return 400;
  return Number(headers['content-length'] ?? 0) <= Number.MAX_SAFE_INTEGER ? undefined : 413;
}

function decodes(text: string): boolean {
  try {
    return !decodeURIComponent(text).includes('\0');
  } catch {
    return false;
  }
}

/** Basic authentication of one user, RFC 7617; the package's own parser refuses many correct credentials. */
class BasicAuthentication implements webdav.HTTPAuthentication {
  readonly #expected: Buffer;
  readonly #user: webdav.IUser;

  constructor(user: string, password: string) {
    this.#expected = digest(`${user}:${password}`);
    this.#user = { uid: user, username: user };
  }

  askForAuthentication(): Record<string, string> {
    return { 'WWW-Authenticate': 'Basic realm="Fjord", charset="UTF-8"' };
  }

  getUser(context: webdav.HTTPRequestContext, callback: (error: Error, user?: webdav.IUser) => void): void {
    const [scheme = '', token = ''] = (context.request.headers.authorization ?? '').split(' ', 2);
    const given = digest(Buffer.from(token, 'base64').toString());
    const granted = scheme.toLowerCase() === 'basic' && timingSafeEqual(given, this.#expected);
    // The package's types require an error, although success has none.
    if (granted) callback(null as unknown as Error, this.#user);
    else callback(webdav.Errors.BadAuthentication, this.#user);
  }
}

/** A digest has the same length for every text, which a constant-time comparison needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
