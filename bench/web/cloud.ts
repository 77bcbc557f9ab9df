import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Intent, NodeRecord, SpaceRecord } from '../../src/cloud/records.ts';
import { newId } from '../../src/vfs/ids.ts';
import { freePort, output, serve, stop } from '../lib/process.ts';

/** As built: so it is used. */
const PROGRAM = [join(import.meta.dirname, '../../dist/cli/main.js')];
export const EMAIL = 'ada@example.org';
export const PASSWORD = 'correct horse battery';
/** Intents of one request. */
const BATCH = 500;

/** A cloud with the built web app (`dist/web`) in a process of its own, and one computer of its account. */
export class BenchCloud {
  readonly url: string;
  readonly token: string;
  readonly stop: () => Promise<void>;
  readonly #sync: SpaceRecord;

  private constructor(url: string, token: string, sync: SpaceRecord, end: () => Promise<void>) {
    this.url = url;
    this.token = token;
    this.#sync = sync;
    this.stop = end;
  }

  static async start(dir: string): Promise<BenchCloud> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const data = join(dir, 'cloud');
    const args = ['cloud', 'serve', '--data', data, '--listen', `127.0.0.1:${port}`];
    const child = await serve(process.execPath, [...PROGRAM, ...args], `${url}/v1/health`);
    const passwordFile = join(dir, 'password');
    await writeFile(passwordFile, PASSWORD);
    const user = ['cloud', 'user', 'add', EMAIL, '--data', data, '--password-file', passwordFile];
    await output(process.execPath, [...PROGRAM, ...user]);
    const body = { email: EMAIL, password: PASSWORD, device: { name: 'bench', platform: 'linux' } };
    const headers = { 'content-type': 'application/json' };
    const login = await fetch(`${url}/v1/login`, { method: 'POST', headers, body: JSON.stringify(body) });
    const { token } = (await login.json()) as { token: string };
    const spaces = await fetch(`${url}/v1/spaces`, { headers: { authorization: `Bearer ${token}` } });
    const sync = ((await spaces.json()) as { spaces: SpaceRecord[] }).spaces.find(({ kind }) => kind === 'sync');
    if (sync === undefined) throw new Error('the account has no Sync');
    return new BenchCloud(url, token, sync, async () => stop(child));
  }

  async get(path: string): Promise<string> {
    const response = await fetch(this.url + path, { headers: { authorization: `Bearer ${this.token}` } });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return await response.text();
  }

  async post(path: string, body: object): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    const response = await fetch(this.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  }

  async folder(name: string): Promise<NodeRecord> {
    const [node] = await this.#commit([{ ...this.#born(this.#sync.root, name), op: 'mkdir', mode: 0o755 }]);
    if (node === undefined) throw new Error(`${name} was not made`);
    return node;
  }

  /** Empty files. */
  async fill(folder: string, count: number, nameOf: (index: number) => string): Promise<void> {
    for (let at = 0; at < count; at += BATCH) {
      const size = Math.min(BATCH, count - at);
      const intents = Array.from({ length: size }, (_, index): Intent => {
        const content = { size: 0, blocks: '' };
        const born = this.#born(folder, nameOf(at + index));
        return { ...born, op: 'put', mode: 0o644, version: newId(Date.now()), base: null, content };
      });
      await this.#commit(intents);
    }
  }

  #born(parent: string, name: string) {
    const now = Date.now();
    return {
      id: newId(Date.now()),
      space: this.#sync.id,
      node: newId(Date.now()),
      parent,
      name,
      mtime: now,
      birthtime: now,
    };
  }

  async #commit(intents: Intent[]): Promise<NodeRecord[]> {
    const { results } = (await this.post('/v1/intents', { intents })) as { results: { node?: NodeRecord }[] };
    return results.flatMap(({ node }) => node ?? []);
  }
}
