import type { Test } from 'tap';
import type { FileSystem } from '../../src/vfs/file-system.ts';
import { MemoryLockStore } from '../../src/webdav/locks/lock-store.ts';
import { silent } from '../../src/webdav/log.ts';
import { WebDavServer } from '../../src/webdav/server.ts';

export interface DavTreeAnswer {
  readonly status: number;
  readonly text: string;
}

/** A file system as a client of WebDAV sees it, over real HTTP. Paths begin with a slash and are plain ASCII. */
export class DavTree {
  readonly #server: WebDavServer;

  private constructor(server: WebDavServer) {
    this.#server = server;
  }

  static async serve(t: Test, fs: FileSystem): Promise<DavTree> {
    const server = new WebDavServer({ fs, lockStore: new MemoryLockStore(), auth: 'anonymous', log: silent });
    await server.listen({ host: '127.0.0.1', port: 0 });
    t.teardown(() => server.close());
    return new DavTree(server);
  }

  /** Ends in `/`. */
  get url(): string {
    return this.#server.url;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async ask(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<DavTreeAnswer> {
    const init = { method, headers, ...(body === undefined ? {} : { body }) };
    const answer = await fetch(new URL(path, this.url), init);
    return { status: answer.status, text: await answer.text() };
  }

  put(path: string, content: string): Promise<DavTreeAnswer> {
    return this.ask('PUT', path, {}, content);
  }

  move(from: string, to: string, headers: Record<string, string> = {}): Promise<DavTreeAnswer> {
    return this.ask('MOVE', from, { destination: to, ...headers });
  }

  copy(from: string, to: string, headers: Record<string, string> = {}): Promise<DavTreeAnswer> {
    return this.ask('COPY', from, { destination: to, ...headers });
  }

  /** The content of a file. @throws Error if it does not exist */
  async read(path: string): Promise<string> {
    const { status, text } = await this.ask('GET', path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
    return text;
  }

  /** Paths below a folder with the content of files; folders end with '/'. Empty if there is no such folder. */
  async tree(path: string): Promise<Record<string, string>> {
    const { status, text } = await this.ask('PROPFIND', `${path}/`, { depth: '1' });
    if (status === 404) return {};
    if (status !== 207) throw new Error(`PROPFIND ${path}: ${status} ${text}`);
    const found: Record<string, string> = {};
    const [, ...members] = [...text.matchAll(/<D:response><D:href>([^<]*)</g)].map(([, href]) => href ?? '');
    for (const member of members) {
      const name = decodeURIComponent(member);
      if (!member.endsWith('/')) found[name] = await this.read(member);
      else Object.assign(found, { [name]: '' }, await this.tree(member.slice(0, -1)));
    }
    return found;
  }
}
