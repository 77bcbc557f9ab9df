import type { ChildProcess } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, serve, stop } from '../../lib/process.ts';
import { quote, sh } from '../../lib/shell.ts';
import { writeBig } from '../../lib/big-file.ts';
import type { Stored, Supplied } from '../contestant.ts';

/** How often the store is checked, ms. */
const PACE = 200;
const PATIENCE = 4 * 60_000;

/** The cloud for WebDAV clients: `rclone serve webdav` for a folder, on loopback. */
export class WebdavStore {
  readonly url: string;
  readonly #files: string;
  readonly #child: ChildProcess;

  private constructor(url: string, files: string, child: ChildProcess) {
    this.url = url;
    this.#files = files;
    this.#child = child;
  }

  static async start(root: string): Promise<WebdavStore> {
    const files = join(root, 'files');
    await mkdir(join(files, 'work'), { recursive: true });
    await mkdir(join(files, 'archive'));
    const address = `127.0.0.1:${await freePort()}`;
    const args = ['serve', 'webdav', files, '--addr', address, '--config', join(root, 'none.conf'), '-q'];
    const url = `http://${address}/`;
    return new WebdavStore(url, files, await serve('rclone', args, url));
  }

  /** Uploads through the server, as it does not read a folder again that it has listed. */
  async supply(name: string, bytes: number): Promise<Supplied> {
    const [url, file] = [`${this.url}work/${name}`, `${this.#files}.${name}`];
    await writeBig(file, bytes);
    await sh(`curl -sS --fail -T ${quote(file)} ${quote(url)}`);
    await rm(file);
    return { curl: [url] };
  }

  /** Resolves when all written files and bytes have arrived. */
  async stored({ name, archive, files, bytes }: Stored): Promise<void> {
    const path = join(this.#files, archive ? 'archive' : 'work', name);
    for (const until = Date.now() + PATIENCE; ; await sleep(PACE)) {
      const found = await measure(path);
      if (found.files === files && found.bytes === bytes) return;
      if (Date.now() > until) throw new Error(`${name}: only ${found.files} of ${files} files have arrived`);
    }
  }

  async stop(): Promise<void> {
    await stop(this.#child);
  }
}

async function measure(path: string): Promise<{ files: number; bytes: number }> {
  const about = await stat(path).catch(() => undefined);
  if (about === undefined) return { files: 0, bytes: 0 };
  if (about.isFile()) return { files: 1, bytes: about.size };
  const sum = { files: 0, bytes: 0 };
  for (const name of await readdir(path)) {
    const below = await measure(join(path, name));
    sum.files += below.files;
    sum.bytes += below.bytes;
  }
  return sum;
}
