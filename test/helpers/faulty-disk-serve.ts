/** A separate process that mounts a folder as a disk with faults. See `faulty-disk.ts`. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FuseMount } from '../../src/fuse/mount.ts';
import type { Awaitable, Context } from '../../src/vfs/context.ts';
import type { FileHandle, OpenMode, Page, PageRequest } from '../../src/vfs/file-system.ts';
import { ForwardingFileSystem } from '../../src/vfs/forwarding-file-system.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import type { Attr, NodeId, Xattrs } from '../../src/vfs/node.ts';
import type { Faults } from './faulty-disk.ts';
import { HostFs } from './host-fs.ts';

const [from = '', dir = '', file = ''] = process.argv.slice(2);

/** Throws EIO where the file of faults says so, which is read at every call. */
class FaultyFs extends ForwardingFileSystem {
  override async lookup(folder: NodeId, name: string, context: Context): Promise<Attr> {
    const node = folder === '' ? name : `${folder}/${name}`;
    check('lookup', node);
    while (hangs(node)) await sleep(50);
    return await super.lookup(folder, name, context);
  }

  override async readdir(folder: NodeId, page: PageRequest, context: Context): Promise<Page> {
    check('readdir', folder);
    return await super.readdir(folder, page, context);
  }

  override xattrs(node: NodeId): Xattrs {
    check('xattrs', node);
    return { 'user.of': Buffer.from(node).toString('base64') };
  }

  override async open(node: NodeId, mode: OpenMode, context: Context): Promise<FileHandle> {
    const handle = await super.open(node, mode, context);
    const read = (into: Uint8Array, position: number): Awaitable<number> => {
      check('read', node);
      return handle.read(into, position, context);
    };
    return new Proxy(handle, {
      get: (target, key) => {
        if (key === 'read') return read;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}

function faultsNow(): Faults {
  return JSON.parse(readFileSync(file, 'utf8')) as Faults;
}

function hangs(node: NodeId): boolean {
  return faultsNow().hang?.includes(node) === true;
}

function check(call: keyof Faults, node: NodeId): void {
  if (faultsNow()[call]?.includes(node)) throw new FsError('EIO', call, { subject: node });
}

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const fs = new FaultyFs(new HostFs(from));
const mount = await FuseMount.mount({
  fs,
  dir,
  name: 'faulty-disk',
  options: { validity: 0, passthrough: false, xattr: true },
  log,
});
process.on('disconnect', () => {
  const exit = (): void => process.exit();
  mount.unmount({ lazy: true }).then(exit, exit);
});
process.send?.('mounted');
await mount.closed;
if (process.connected) process.disconnect();
