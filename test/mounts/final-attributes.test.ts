import t from 'tap';
import { background as context } from '../../src/vfs/context.ts';
import type { OpenMode } from '../../src/vfs/file-system.ts';
import type { Attr, AttrChanges } from '../../src/vfs/node.ts';
import { openPair, type TestDevice } from '../helpers/devices.ts';

t.setTimeout(500_000);

const WRITER = { read: true, write: true } as const;

type Change = (device: TestDevice, path: string) => Promise<void>;

/** Changes by programs to a file that is in the cloud. */
const CHANGES: Readonly<Record<string, Change>> = {
  replaced: (device, path) => written(device, path, { ...WRITER, truncate: true }, 'something else', 0),
  'changed in part': (device, path) => written(device, path, WRITER, 'ab', 2),
  'appended to': (device, path) => written(device, path, { ...WRITER, append: true }, 'more', 0),
  'replaced by a draft': (device, path) => device.write(path, 'another content'),
  truncated: (device, path) => set(device, path, { size: 3 }),
  'given a mode': (device, path) => set(device, path, { mode: 0o600 }),
  'given a time': (device, path) => set(device, path, { mtime: 1e12 }),
  'given an attribute': (device, path) => set(device, path, { xattrs: { 'user.colour': 'cmVk' } }),
  'renamed over': async (device, path) => {
    await device.write(`${path}.new`, 'a newer one');
    await device.rename(`${path}.new`, path);
  },
  'written and given a time': async (device, path) => {
    const handle = await device.fs.open((await device.stat(path)).id, WRITER, context);
    await handle.write(Buffer.from('x'), 1, context);
    await device.fs.setattr(handle.node, { mtime: 1e12 }, context);
    await handle.close();
  },
};

async function written(device: TestDevice, path: string, mode: OpenMode, text: string, at: number): Promise<void> {
  const handle = await device.fs.open((await device.stat(path)).id, mode, context);
  await handle.write(Buffer.from(text), at, context);
  await handle.close();
}

async function set(device: TestDevice, path: string, changes: AttrChanges): Promise<void> {
  await device.fs.setattr((await device.stat(path)).id, changes, context);
}

t.test('the attributes of a file after a change are final, whatever the cloud returns', async (t) => {
  // The cloud's clock is behind or ahead, so its times differ from this computer's.
  for (const skew of [-3_600_000, 0, 3_600_000]) {
    let ahead = 0;
    const { a, converge } = await openPair(t, { now: () => Date.now() + skew + ahead++ / 1000 });
    const names = Object.keys(CHANGES);
    await a.mkdir('/Sync/folder');
    for (const name of names) await a.write(`/Sync/folder/${name}`, 'as it was');
    await converge();
    const told = new Map<string, Attr>();
    for (const name of names) {
      await CHANGES[name]?.(a, `/Sync/folder/${name}`);
      told.set(`/Sync/folder/${name}`, await a.stat(`/Sync/folder/${name}`));
    }
    told.set('/Sync/folder', await a.stat('/Sync/folder'));
    const same = async (when: string): Promise<void> => {
      for (const [path, attr] of told) t.strictSame(await a.stat(path), attr, `${path}, ${when}, ${skew}`);
    };
    await same('at once');
    await converge();
    await same('in the cloud');
    await a.restart();
    await same('after a restart');
    await a.sync();
    await same('after another pull of the feed');
  }
});

t.test('a folder keeps the time of the last change in it', async (t) => {
  const { a, converge } = await openPair(t);
  await a.mkdir('/Sync/new');
  await a.write('/Sync/new/f', 'x');
  const made = await a.stat('/Sync/new');
  await converge();
  t.strictSame(await a.stat('/Sync/new'), made, 'made in the cloud');
  await a.write('/Sync/new/g', 'x');
  await a.rename('/Sync/new', '/Sync/renamed');
  const renamed = await a.stat('/Sync/renamed');
  await converge();
  t.strictSame(await a.stat('/Sync/renamed'), renamed, 'renamed in the cloud');
});

t.test('a change made elsewhere is a change', async (t) => {
  const { a, b, converge } = await openPair(t);
  await a.write('/Sync/f', 'x');
  await a.write('/Sync/moved', 'x');
  await converge();
  for (const [path, change] of Object.entries({
    '/Sync/f': () => set(b, '/Sync/f', { mode: 0o600 }),
    '/Sync/g': () => b.rename('/Sync/moved', '/Sync/g'),
  })) {
    const before = (await a.stat(path === '/Sync/g' ? '/Sync/moved' : path)).ctime;
    await change();
    await converge();
    t.not((await a.stat(path)).ctime, before, path);
  }
});
