import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Remote } from '../../src/cloud/remote.ts';
import type { GatewayOptions } from '../../src/mounts/compose.ts';
import { Gateway } from '../../src/mounts/gateway.ts';
import { background as context } from '../../src/vfs/context.ts';
import type { FileSystem } from '../../src/vfs/file-system.ts';
import { isFsError } from '../../src/vfs/fs-error.ts';
import type { Attr } from '../../src/vfs/node.ts';
import { children, splitPath, walk } from '../../src/vfs/walk.ts';
import { DirectCloud, type DirectRemote } from './direct-cloud.ts';
import { temporary } from './temporary.ts';

const quiet = { info: () => undefined, warn: () => undefined };

/** A gateway with the few calls that tests with two devices need. Paths begin at the root of the drive. */
export class TestDevice {
  readonly name: string;
  readonly #options: GatewayOptions;
  #gateway: Gateway;

  private constructor(name: string, gateway: Gateway, options: GatewayOptions) {
    this.name = name;
    this.#gateway = gateway;
    this.#options = options;
  }

  static async open(name: string, options: GatewayOptions): Promise<TestDevice> {
    return new TestDevice(name, await Gateway.open(options), options);
  }

  get gateway(): Gateway {
    return this.#gateway;
  }

  get fs(): FileSystem {
    return this.#gateway.fs;
  }

  /** Stops and starts the gateway, without sending queued changes. */
  async restart(): Promise<void> {
    await this.#gateway.close();
    this.#gateway = await Gateway.open(this.#options);
  }

  async stat(path: string): Promise<Attr> {
    return await walk(this.fs, splitPath(path, 'test'), context);
  }

  async exists(path: string): Promise<boolean> {
    try {
      await this.stat(path);
      return true;
    } catch (error) {
      if (isFsError(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** Creates or replaces a file, as `cp` does. */
  async write(path: string, content: string | Uint8Array): Promise<void> {
    const [folder, name] = await this.#place(path);
    const draft = await this.fs.draft(folder.id, name, {}, context);
    await draft.append(Buffer.from(content), context);
    await draft.commit({}, context);
  }

  async read(path: string): Promise<string> {
    const bytes = await this.bytes(path);
    return bytes.toString();
  }

  async bytes(path: string): Promise<Buffer> {
    const attr = await this.stat(path);
    const handle = await this.fs.open(attr.id, { read: true, write: false }, context);
    const buffer = Buffer.alloc(attr.size);
    let at = 0;
    while (at < buffer.length) {
      const count = await handle.read(buffer.subarray(at), at, context);
      if (count === 0) break;
      at += count;
    }
    await handle.close();
    return buffer.subarray(0, at);
  }

  async mkdir(path: string): Promise<Attr> {
    const [folder, name] = await this.#place(path);
    return await this.fs.mkdir(folder.id, name, {}, context);
  }

  async unlink(path: string): Promise<void> {
    const [folder, name] = await this.#place(path);
    await this.fs.unlink(folder.id, name, context);
  }

  async removeTree(path: string): Promise<void> {
    const [folder, name] = await this.#place(path);
    await this.fs.removeTree(folder.id, name, context);
  }

  async rename(from: string, to: string): Promise<void> {
    const [a, name] = await this.#place(from);
    const [b, other] = await this.#place(to);
    await this.fs.rename({ parent: a.id, name }, { parent: b.id, name: other }, {}, context);
  }

  async exchange(one: string, other: string): Promise<void> {
    const [a, name] = await this.#place(one);
    const [b, with_] = await this.#place(other);
    await this.fs.rename({ parent: a.id, name }, { parent: b.id, name: with_ }, { exchange: true }, context);
  }

  async symlink(path: string, target: string): Promise<void> {
    const [folder, name] = await this.#place(path);
    await this.fs.symlink(folder.id, name, target, context);
  }

  /** Paths below a folder with the content of files; folders end with '/'. */
  async tree(path = '/Sync'): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    const visit = async (attr: Attr, at: string): Promise<void> => {
      for await (const child of children(this.fs, attr.id, context)) {
        const next = `${at}/${child.name}`;
        if (child.kind !== 'folder') found[next] = child.kind === 'file' ? await this.read(next) : 'link';
        else {
          found[`${next}/`] = '';
          await visit(child, next);
        }
      }
    };
    await visit(await this.stat(path), path);
    return found;
  }

  /** Sends all changes and applies the whole feed, retrying after temporary failures. */
  async sync(): Promise<void> {
    const impatient = setInterval(() => this.gateway.stack.uploader.reachable(), 20);
    try {
      await this.gateway.flush();
      for (let tries = 0; ; tries++) {
        try {
          return await this.gateway.pull(context);
        } catch (error) {
          if (tries === 20 || !(isFsError(error, 'EAGAIN') || isFsError(error, 'EIO'))) throw error;
        }
      }
    } finally {
      clearInterval(impatient);
    }
  }

  async #place(path: string): Promise<[Attr, string]> {
    const names = splitPath(path, 'test');
    const name = names.pop() ?? '';
    return [await walk(this.fs, names, context), name];
  }
}

export interface DeviceOptions extends Partial<GatewayOptions> {
  readonly remote: Remote;
  readonly dir: string;
}

/** A new gateway of an account. */
export async function openDevice(t: Test, name: string, id: string, options: DeviceOptions): Promise<TestDevice> {
  mkdirSync(options.dir, { recursive: true });
  const device = await TestDevice.open(name, {
    device: { id, name },
    limits: { cacheBytes: 1e9, minFree: 0, hotBytes: 16 << 20 },
    log: process.env['FJORD_TEST_LOG'] === undefined ? quiet : { info: console.error, warn: console.error },
    ...options,
  });
  t.teardown(() => device.gateway.close());
  return device;
}

export interface Pair {
  readonly dir: string;
  readonly cloud: DirectCloud;
  readonly a: TestDevice;
  readonly b: TestDevice;
  readonly netA: DirectRemote;
  readonly netB: DirectRemote;
  /** Waits until nothing is queued and both devices have applied everything. */
  readonly converge: () => Promise<void>;
}

/** Two devices on one account. */
export async function openPair(t: Test, options: Partial<GatewayOptions> = {}): Promise<Pair> {
  const dir = temporary(t);
  const cloud = await DirectCloud.open(dir);
  t.teardown(() => cloud.close());
  const netA = await cloud.device('alpha');
  const netB = await cloud.device('beta');
  const a = await openDevice(t, 'alpha', netA.self.id, { dir: join(dir, 'a'), remote: netA, ...options });
  const b = await openDevice(t, 'beta', netB.self.id, { dir: join(dir, 'b'), remote: netB, ...options });
  await a.sync();
  await b.sync();
  const converge = (): Promise<void> => rest(a, b);
  return { dir, cloud, a, b, netA, netB, converge };
}

/** Waits until nothing is queued on either device and both have applied everything. */
export async function rest(a: TestDevice, b: TestDevice): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await Promise.all([a.sync(), b.sync()]);
    if (isQuiet(a) && isQuiet(b) && (await sameCursors(a, b))) return;
  }
  throw new Error('the devices do not come to rest');
}

function isQuiet({ gateway }: TestDevice): boolean {
  return gateway.status().queued === 0;
}

async function sameCursors(a: TestDevice, b: TestDevice): Promise<boolean> {
  const [left, right] = await Promise.all([a, b].map(({ gateway }) => gateway.stack.catalog.spaces()));
  return JSON.stringify(left?.map(({ cursor }) => cursor)) === JSON.stringify(right?.map(({ cursor }) => cursor));
}
