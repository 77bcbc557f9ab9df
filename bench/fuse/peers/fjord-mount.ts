import { createHash, randomUUID } from 'node:crypto';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SETTINGS } from '../../../src/daemon/config.ts';
import type { InstanceAccess } from '../../../src/daemon/access-file.ts';
import type { Remote } from '../../../src/cloud/remote.ts';

import { background } from '../../../src/vfs/context.ts';
import { FjordProcess, fjordVersion, revisionOf } from '../../lib/fjord-process.ts';
import { mounted, unmount } from '../../lib/mounts.ts';
import { residentMemory } from '../../lib/process.ts';
import { withRemote } from '../alone/cloud-tree.ts';
import { bigBlocks } from '../../lib/big-file.ts';
import { started, type Contestant, type Mounted, type Supplied } from '../contestant.ts';

/** Blocks per upload. */
const BATCH = 8;

export const fjordKernel = variant('fjord', 'Fjord', {});
export const fjordNoPassthrough = variant('fjord-np', 'Fjord without passthrough', { 'fuse.passthrough': 'false' });
export const fjordNative: Contestant = {
  ...variant('fjord-native', 'Fjord with fuse-native', { 'fuse.driver': 'native' }),
  rounds: 1,
};

/** The program of another checkout, with its own default settings. */
export function fjordBefore(checkout: string): Contestant {
  return {
    ...variant('fjord-before', 'Fjord', {}, checkout),
    version: async () => await revisionOf(checkout),
  };
}

/** The whole program, embedded cloud and gateway, with the given settings. */
function variant(id: string, name: string, settings: Readonly<Record<string, string>>, checkout?: string): Contestant {
  const unknown = Object.keys(settings).find((key) => !(key in SETTINGS));
  return {
    id,
    name,
    version: fjordVersion,
    missing: async () => (unknown === undefined ? undefined : `this version has no setting ${unknown}`),
    start: async (root) => {
      const own = new FjordMount(root, variables(settings), checkout);
      return await started(own, () => own.start());
    },
  };
}

function variables(settings: Readonly<Record<string, string>>): Record<string, string> {
  const named = Object.entries(settings);
  return Object.fromEntries(named.map(([key, value]) => [`FJORD_${key.replaceAll('.', '_').toUpperCase()}`, value]));
}

class FjordMount implements Mounted {
  readonly dir: string;
  readonly archive: string;
  readonly #root: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #checkout: string | undefined;
  #process: FjordProcess | undefined;
  #access: InstanceAccess | undefined;

  constructor(root: string, env: Readonly<Record<string, string>>, checkout: string | undefined) {
    this.dir = join(root, 'mount/Sync');
    this.archive = join(root, 'mount/Archive');
    this.#root = root;
    this.#env = env;
    this.#checkout = checkout;
  }

  async start(): Promise<void> {
    const at = join(this.#root, 'mount');
    const data = join(this.#root, 'data');
    await mkdir(at, { recursive: true });
    await mkdir(data, { recursive: true });
    this.#process = await FjordProcess.start({
      dir: data,
      args: ['start', '--port', '0', '--mount', at],
      env: this.#env,
      checkout: this.#checkout,
    });
    this.#access = await this.#process.access();
    await mounted(at);
  }

  /** Restarts, after everything was uploaded. */
  async restart(empty: boolean): Promise<void> {
    if (empty) await this.stored();
    await this.#running.stop();
    // As on a new device: the same names, but no local data.
    if (empty) await rm(join(this.#root, 'data/gateway'), { recursive: true });
    await this.start();
  }

  /** Uploads a file directly to the cloud, as another device would. */
  async supply(name: string, bytes: number): Promise<Supplied> {
    if (this.#access === undefined) throw new Error('not started');
    const { cloud } = this.#access;
    return await withRemote(cloud, async (remote, token) => {
      const sync = (await remote.spaces(background)).find(({ kind }) => kind === 'sync');
      if (sync === undefined) throw new Error('the account has no Sync space');
      const blocks = await upload(remote, bytes);
      const version = randomUUID();
      const place = { space: sync.id, node: randomUUID(), parent: sync.root, name };
      const born = { mode: 0o644, mtime: Date.now(), birthtime: Date.now() };
      const content = { size: bytes, blocks: blocks.toString('base64') };
      const put = { op: 'put', id: randomUUID(), ...place, ...born, version, base: null, content } as const;
      const [result] = await remote.commit([put], background);
      if (result?.status !== 'done') throw new Error(`the cloud refused ${name}`);
      return { curl: ['-H', `Authorization: Bearer ${token}`, `${cloud.url}v1/versions/${version}/content`] };
    });
  }

  async stored(): Promise<void> {
    await this.#running.command('flush');
  }

  async memory(): Promise<number> {
    return await residentMemory(this.#access?.gateway.pid ?? 0);
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    await unmount(join(this.#root, 'mount'));
  }

  get #running(): FjordProcess {
    if (this.#process === undefined) throw new Error('not started');
    return this.#process;
  }
}

/** Uploads a file's blocks. Resolves to their raw digests. */
async function upload(remote: Remote, bytes: number): Promise<Buffer> {
  const digests: Buffer[] = [];
  let batch: { digest: string; data: Buffer }[] = [];
  for (const data of bigBlocks(bytes)) {
    const digest = createHash('sha256').update(data).digest();
    digests.push(digest);
    batch.push({ digest: digest.toString('hex'), data });
    if (batch.length < BATCH && digests.length * BLOCK_SIZE < bytes) continue;
    await remote.upload(batch, background);
    batch = [];
  }
  return Buffer.concat(digests);
}
