import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

/** A service that sends any lines that a test wants, for one Sync space with the id `s` and the root `r`. */
export class HostileCloud {
  /** Lines of the next snapshots and feed pages, without their ends. */
  snapshot: readonly string[] = [];
  feed: (since: number) => readonly string[] = (since) => [JSON.stringify({ cursor: since, more: false })];
  /** Events of the push connection after its first sign of life. */
  push = '';
  /** The requested paths. */
  readonly asked: string[] = [];
  url = '';

  static async start(t: Test): Promise<HostileCloud> {
    const cloud = new HostileCloud();
    const server = createServer(({ url = '' }, response) => cloud.#answer(new URL(url, 'http://x'), response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    cloud.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    return cloud;
  }

  #answer({ pathname, searchParams }: URL, response: ServerResponse): void {
    this.asked.push(pathname);
    if (pathname === '/v1/spaces') {
      const space = { id: 's', kind: 'sync', name: 'sync', root: 'r', rev: 1, writable: true };
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ spaces: [space] }));
    } else if (pathname.endsWith('/snapshot')) {
      response.end(this.snapshot.join('\n'));
    } else if (pathname.endsWith('/feed')) {
      response.end(this.feed(Number(searchParams.get('since'))).join('\n'));
    } else if (pathname === '/v1/push') {
      response.write(`data: {"type":"alive"}\n\n${this.push}`);
    } else {
      response.statusCode = 404;
      response.end('{"code":"not_found","message":"no"}');
    }
  }
}
