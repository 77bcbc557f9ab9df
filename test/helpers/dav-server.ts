import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Test } from 'tap';
import { MemoryLockStore } from '../../src/webdav/locks/lock-store.ts';
import { silent } from '../../src/webdav/log.ts';
import type { WebDavServerOptions } from '../../src/webdav/options.ts';
import { WebDavServer } from '../../src/webdav/server.ts';
import { MemoryFs } from './memory-fs.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly bytes: Buffer;
}

export interface Asking {
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

/** A server over a file system in memory, and methods to send requests to it. */
export class DavServer {
  readonly fs: MemoryFs;
  readonly server: WebDavServer;
  readonly lockStore: MemoryLockStore;

  private constructor(options: Partial<WebDavServerOptions>) {
    this.fs = (options.fs as MemoryFs | undefined) ?? new MemoryFs();
    this.lockStore = (options.lockStore as MemoryLockStore | undefined) ?? new MemoryLockStore();
    this.server = new WebDavServer({
      auth: 'anonymous',
      log: silent,
      ...options,
      fs: this.fs,
      lockStore: this.lockStore,
    });
  }

  /** Starts a server on a free port; it is closed with the test. Anonymous unless `auth` is given. */
  static async start(t: Test, options: Partial<WebDavServerOptions> = {}): Promise<DavServer> {
    const made = new DavServer(options);
    await made.server.listen({ host: '127.0.0.1', port: 0 });
    t.teardown(() => made.server.close());
    return made;
  }

  get port(): number {
    return Number(new URL(this.server.url).port);
  }

  /** Sends a request on a separate connection; the path is sent unchanged. */
  ask(method: string, path: string, { headers = {}, body }: Asking = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const req = httpRequest(
        { port: this.port, method, path, headers: { ...headers } as OutgoingHttpHeaders, agent: false },
        (res) => {
          const chunks: Buffer[] = [];
          res.on('data', (chunk: Buffer) => chunks.push(chunk));
          res.on('error', reject);
          res.on('end', () => {
            const bytes = Buffer.concat(chunks);
            resolve({ status: res.statusCode ?? 0, headers: res.headers, text: bytes.toString(), bytes });
          });
        },
      );
      req.on('error', reject);
      if (body !== undefined && headers['Transfer-Encoding'] === undefined)
        req.setHeader('Content-Length', Buffer.byteLength(body));
      req.end(body);
    });
  }

  /** Sends raw bytes. Resolves to everything received until the server closes the connection. */
  raw(bytes: string | Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1');
      let text = '';
      socket.setEncoding('latin1');
      socket.on('data', (chunk: string) => (text += chunk));
      socket.on('close', () => resolve(text));
      socket.on('error', (error: NodeJS.ErrnoException) => (text === '' ? reject(error) : resolve(text)));
      socket.write(bytes);
    });
  }
}

/** The head of a raw request with `Connection: close`. */
export function rawHead(line: string, ...fields: readonly string[]): string {
  return [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...fields, '', ''].join('\r\n');
}

export const LOCK_EXCLUSIVE =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>' +
  '<D:owner><D:href>me</D:href></D:owner></D:lockinfo>';

export const LOCK_SHARED = LOCK_EXCLUSIVE.replace('exclusive', 'shared');

/** The token in the response to a LOCK, without brackets. */
export function tokenOf(answer: Answer): string {
  return /<(.*)>/.exec(String(answer.headers['lock-token']))?.[1] ?? '';
}
