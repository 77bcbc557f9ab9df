import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mounted, unmount } from '../../lib/mounts.ts';
import { output, residentMemory } from '../../lib/process.ts';
import { started, type Contestant, type Mounted, type Stored, type Supplied } from '../contestant.ts';
import { WebdavStore } from './webdav-store.ts';

/** `mount.davfs` with its defaults (a written file is uploaded 10 s after it was closed), except for locks. */
export const davfs: Contestant = {
  id: 'davfs2',
  name: 'davfs2',
  rounds: 1,
  version: async () => /davfs2 (\S+)/.exec(await output('mount.davfs', ['-V']))?.[1] ?? '?',
  start: async (root) => {
    const own = new DavfsMount(root, await WebdavStore.start(root));
    return await started(own, () => own.mount());
  },
};

class DavfsMount implements Mounted {
  readonly dir: string;
  readonly archive: string;
  readonly #root: string;
  readonly #store: WebdavStore;

  constructor(root: string, store: WebdavStore) {
    this.dir = join(root, 'mount/work');
    this.archive = join(root, 'mount/archive');
    this.#root = root;
    this.#store = store;
  }

  async mount(): Promise<void> {
    const [at, cache, config] = ['mount', 'cache', 'davfs.conf'].map((name) => join(this.#root, name));
    if (at === undefined || cache === undefined || config === undefined) return;
    await mkdir(at, { recursive: true });
    await mkdir(cache, { recursive: true });
    // It drops root's privileges for those of a group.
    await output('chgrp', ['davfs2', cache]);
    await chmod(cache, 0o775);
    await writeFile(config, `ask_auth 0\nuse_locks 0\ncache_dir ${cache}\ncache_size 8000\n`);
    await output('mount', ['-t', 'davfs', '-o', `conf=${config},uid=0,gid=0`, this.#store.url, at]);
    await mounted(at);
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
    return await residentMemory(await this.#pid());
  }

  async stop(): Promise<void> {
    await this.#unmount();
    await this.#store.stop();
  }

  /** Tries a regular unmount first, which uploads pending files. */
  async #unmount(): Promise<void> {
    const at = join(this.#root, 'mount');
    await output('umount', [at]).catch(() => undefined);
    await unmount(at);
  }

  async #pid(): Promise<number> {
    const at = join(this.#root, 'mount').slice(1).replaceAll('/', '-');
    return Number(await readFile(`/var/run/mount.davfs/${at}.pid`, 'utf8').catch(() => '0'));
  }
}
