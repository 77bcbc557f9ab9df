import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mounted, unmount } from '../../lib/mounts.ts';
import { output, residentMemory, stop } from '../../lib/process.ts';
import { started, type Contestant, type Mounted, type Stored, type Supplied } from '../contestant.ts';
import { WebdavStore } from './webdav-store.ts';

/**
 * `rclone mount --vfs-cache-mode full`, otherwise with its defaults (a written file is uploaded 5 s after it was
 * closed).
 */
export const rcloneMount: Contestant = {
  id: 'rclone',
  name: 'rclone mount',
  rounds: 1,
  version: async () => /v([\d.]+)/.exec(await output('rclone', ['version']))?.[1] ?? '?',
  start: async (root) => {
    const own = new RcloneMount(root, await WebdavStore.start(root));
    return await started(own, () => own.mount());
  },
};

class RcloneMount implements Mounted {
  readonly dir: string;
  readonly archive: string;
  readonly #root: string;
  readonly #store: WebdavStore;
  #child: ChildProcess | undefined;

  constructor(root: string, store: WebdavStore) {
    this.dir = join(root, 'mount/work');
    this.archive = join(root, 'mount/archive');
    this.#root = root;
    this.#store = store;
  }

  async mount(): Promise<void> {
    const at = join(this.#root, 'mount');
    await mkdir(at, { recursive: true });
    const where = ['--webdav-url', this.#store.url, '--config', join(this.#root, 'none.conf')];
    const how = ['--vfs-cache-mode', 'full', '--cache-dir', join(this.#root, 'cache'), '-q'];
    const args = ['mount', ':webdav:', at, ...where, ...how];
    const child = spawn('rclone', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#child = child;
    await mounted(at, () => child.exitCode !== null);
  }

  async restart(empty: boolean): Promise<void> {
    await this.#unmount();
    if (empty) await rm(join(this.#root, 'cache'), { recursive: true, force: true });
    await this.mount();
  }

  async supply(name: string, bytes: number): Promise<Supplied> {
    return await this.#store.supply(name, bytes);
  }

  async stored(what: Stored): Promise<void> {
    await this.#store.stored(what);
  }

  async memory(): Promise<number> {
    return await residentMemory(this.#child?.pid ?? 0);
  }

  async stop(): Promise<void> {
    await this.#unmount();
    await this.#store.stop();
  }

  async #unmount(): Promise<void> {
    await unmount(join(this.#root, 'mount'));
    if (this.#child !== undefined) await stop(this.#child);
  }
}
