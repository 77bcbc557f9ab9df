import { join } from 'node:path';
import t, { type Test } from 'tap';
import { background } from '../../../../src/vfs/context.ts';
import { openDevice, openPair, type Pair, type TestDevice } from '../../../helpers/devices.ts';

t.setTimeout(500_000);

interface Rewinding extends Pair {
  readonly copy: string;
  /** Restores the copy; the devices are notified. */
  readonly back: () => Promise<void>;
  /** A new device. */
  readonly fresh: () => Promise<TestDevice>;
}

/** Ten files in two folders, on both devices, and a copy of the cloud at that time. */
async function begin(t: Test): Promise<Rewinding> {
  const pair = await openPair(t);
  const { a, cloud, dir } = pair;
  await a.mkdir('/Sync/old');
  for (let i = 0; i < 10; i++) await a.write(`/Sync/old/${i}`, `content ${i}`);
  await pair.converge();
  const copy = join(dir, 'copy.db');
  await cloud.save(copy);
  let count = 0;
  return {
    ...pair,
    copy,
    back: () => cloud.restore(copy),
    fresh: async () => {
      const name = `fresh ${count++}`;
      const remote = await cloud.device(name);
      const device = await openDevice(t, name, remote.self.id, { dir: join(dir, name), remote });
      await device.sync();
      return device;
    },
  };
}

async function same(t: Test, rig: Rewinding): Promise<Record<string, string>> {
  await rig.converge();
  const [a, b, fresh] = [await rig.a.tree(), await rig.b.tree(), await (await rig.fresh()).tree()];
  t.strictSame(b, a, 'both devices');
  t.strictSame(fresh, a, 'a fresh one');
  return a;
}

/** All kinds of changes that can be lost. */
async function work(device: TestDevice): Promise<void> {
  await device.mkdir('/Sync/new');
  await device.mkdir('/Sync/new/deep');
  for (let i = 0; i < 5; i++) await device.write(`/Sync/new/deep/${i}`, `new ${i}`);
  await device.write('/Sync/new/empty', '');
  await device.fs.symlink((await device.stat('/Sync/new')).id, 'link', 'deep/1', background);
  await device.write('/Sync/old/1', 'a later version');
  await device.rename('/Sync/old/2', '/Sync/new/moved');
  await device.fs.setattr((await device.stat('/Sync/old/3')).id, { mtime: 1_000_000_000_000 }, background);
}

for (const [how, grow] of [
  ['older', 0],
  ['older, and grown past the cursor by another device', 60],
] as const) {
  t.test(`a cloud restored from an older copy gets its lost changes back: ${how}`, async (t) => {
    const rig = await begin(t);
    await work(rig.a);
    await rig.converge();
    const before = await rig.a.tree();
    await rig.back();
    if (grow > 0) {
      rig.netA.offline = rig.netB.offline = true;
      const other = await rig.fresh();
      for (let i = 0; i < grow; i++) await other.write(`/Sync/other ${i}`, 'x');
      await other.sync();
      rig.netA.offline = rig.netB.offline = false;
    }
    const after = await same(t, rig);
    const expected = { ...before };
    for (let i = 0; i < grow; i++) expected[`/Sync/other ${i}`] = 'x';
    t.strictSame(after, sorted(expected, after));
    t.equal((await rig.a.stat('/Sync/old/3')).mtime, 1_000_000_000_000);
    t.equal((await rig.b.stat('/Sync/old/3')).mtime, 1_000_000_000_000);
    for (const device of [rig.a, rig.b]) {
      t.strictSame((await device.gateway.issues()).first, []);
      t.strictSame(await device.gateway.conflicts(), []);
      t.strictSame(device.gateway.status().held, []);
    }
  });
}

function sorted(wanted: Record<string, string>, like: Record<string, string>): Record<string, string> {
  const keys = [
    ...Object.keys(like).filter((key) => key in wanted),
    ...Object.keys(wanted).filter((key) => !(key in like)),
  ];
  return Object.fromEntries(keys.map((key) => [key, wanted[key] ?? '']));
}

t.test('content that no device has is listed as an issue, and not shown as present', async (t) => {
  const rig = await begin(t);
  const { a, b } = rig;
  await a.write('/Sync/only here', 'x'.repeat(100));
  await a.write('/Archive/sealed', 'y'.repeat(100));
  await rig.converge();
  const { hash } = a.gateway.stack.catalog.get((await a.stat('/Sync/only here')).id) ?? {};
  for (const device of [a, b]) await device.gateway.stack.store.drop(hash ?? '');
  await rig.back();
  await same(t, rig);
  for (const device of [a, b]) {
    t.notOk(await device.exists('/Sync/only here'));
    t.notOk(await device.exists('/Archive/sealed'));
    const { count, first } = await device.gateway.issues();
    t.strictSame(first.map(({ path }) => path).sort(), ['/Archive/sealed', '/Sync/only here']);
    t.equal(count, 2);
    await device.restart();
    t.equal((await device.gateway.issues()).count, 2, 'also after a restart');
  }
});

t.test('content that one device has reaches the others, and their issues are resolved', async (t) => {
  const rig = await begin(t);
  const { a, b } = rig;
  await a.write('/Sync/f', 'only a has it');
  await rig.converge();
  rig.netA.offline = true;
  await rig.back();
  await b.sync();
  t.notOk(await b.exists('/Sync/f'), 'b has never read it');
  t.equal((await b.gateway.issues()).count, 1);
  rig.netA.offline = false;
  await same(t, rig);
  t.equal(await b.read('/Sync/f'), 'only a has it');
  t.equal((await b.gateway.issues()).count, 0);
});

for (const [what, change] of [
  ['version', async () => undefined],
  ['version and name', async ({ a }) => a.rename('/Sync/old/1', '/Sync/old/renamed')],
  ['version and folder', async ({ a }) => a.rename('/Sync/old/1', '/Sync/1')],
  [
    'version and mode',
    async ({ a }) => void (await a.fs.setattr((await a.stat('/Sync/old/1')).id, { mode: 0o600 }, background)),
  ],
] as const satisfies readonly (readonly [string, (rig: Rewinding) => Promise<void>])[]) {
  t.test(`a lost ${what} returns though a device without its content compares first`, async (t) => {
    const rig = await begin(t);
    const { a, b } = rig;
    await a.write('/Sync/old/1', 'only a has it');
    await change(rig);
    await rig.converge();
    const [before, path] = [await a.tree(), (await a.exists('/Sync/old/1')) ? '/Sync/old/1' : undefined];
    rig.netA.offline = true;
    await rig.back();
    await b.sync();
    await b.sync();
    rig.netA.offline = false;
    t.strictSame(await same(t, rig), before);
    if (path !== undefined) t.equal((await b.stat(path)).mode, (await a.stat(path)).mode);
    for (const device of [a, b]) {
      t.strictSame(await device.gateway.conflicts(), []);
      t.strictSame((await device.gateway.issues()).first, []);
    }
  });
}

t.test(
  'a file that another device has changed since keeps that content, and the lost version is saved beside it',
  async (t) => {
    const rig = await begin(t);
    const { a, b } = rig;
    await a.write('/Sync/old/1', 'lost');
    await a.write('/Sync/old/2', 'not lost');
    await a.sync();
    rig.netA.offline = rig.netB.offline = true;
    await rig.back();
    const other = await rig.fresh();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await other.write('/Sync/old/1', 'changed since');
    for (let i = 0; i < 30; i++) await other.write(`/Sync/${i}`, 'x');
    await other.sync();
    rig.netA.offline = rig.netB.offline = false;
    const after = await same(t, rig);
    t.equal(after['/Sync/old/1'], 'changed since');
    t.equal(after['/Sync/old/2'], 'not lost');
    t.equal(Object.values(after).filter((content) => content === 'lost').length, 1, 'beside it');
    t.ok(b);
  },
);

t.test('nodes that another device has removed since stay removed; a mass removal waits for confirmation', async (t) => {
  const rig = await begin(t);
  const { a } = rig;
  await a.mkdir('/Sync/many');
  for (let i = 0; i < 150; i++) await a.write(`/Sync/many/${i}`, `${i}`);
  await rig.converge();
  rig.netA.offline = rig.netB.offline = true;
  await rig.cloud.save(rig.copy);
  rig.netA.offline = rig.netB.offline = false;
  await a.write('/Sync/later', 'x');
  await rig.converge();
  rig.netA.offline = rig.netB.offline = true;
  await rig.back();
  const other = await rig.fresh();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await other.removeTree('/Sync/many');
  await other.unlink('/Sync/old/1');
  await other.sync();
  rig.netA.offline = rig.netB.offline = false;
  for (let i = 0; i < 3; i++) await rig.a.sync();
  t.equal(rig.a.gateway.status().held.length, 1, 'held');
  t.ok(await rig.a.exists('/Sync/many/7'));
  for (let i = 0; i < 3; i++) await rig.b.sync();
  rig.a.gateway.confirm();
  rig.b.gateway.confirm();
  const after = await same(t, rig);
  t.notOk('/Sync/many/7' in after);
  t.notOk('/Sync/old/1' in after);
  t.equal(after['/Sync/later'], 'x');
});

t.test('changes that are queued when the cloud goes back are sent', async (t) => {
  const rig = await begin(t);
  const { a } = rig;
  await a.mkdir('/Sync/new');
  await a.write('/Sync/new/f', 'one');
  await rig.converge();
  rig.netA.offline = true;
  await a.write('/Sync/new/f', 'two');
  await a.write('/Sync/new/g', 'new');
  await a.write('/Sync/old/1', 'changed');
  await a.rename('/Sync/old/2', '/Sync/new/2');
  await a.unlink('/Sync/old/3');
  await rig.back();
  rig.netA.offline = false;
  const after = await same(t, rig);
  t.equal(after['/Sync/new/f'], 'two');
  t.equal(after['/Sync/new/g'], 'new');
  t.equal(after['/Sync/old/1'], 'changed');
  t.equal(after['/Sync/new/2'], 'content 2');
  t.notOk('/Sync/old/3' in after);
});

t.test('it can be interrupted at any call and continues after a restart', async (t) => {
  for (const at of [0, 1, 2, 3, 4, 6, 8, 11]) {
    const rig = await begin(t);
    await work(rig.a);
    await rig.converge();
    const before = await rig.a.tree();
    await rig.b.tree();
    await rig.back();
    let calls = 0;
    const die = new Promise<void>((resolve) => {
      rig.cloud.disturb = () => {
        if (calls++ < at) return;
        rig.netA.offline = true;
        resolve();
      };
    });
    rig.a.gateway.stack.follower.wakeUp();
    await Promise.race([die, new Promise((resolve) => setTimeout(resolve, 1000))]);
    await rig.a.restart();
    rig.cloud.disturb = () => undefined;
    rig.netA.offline = false;
    const after = await same(t, rig);
    t.strictSame(after, sorted(before, after), `after ${at} calls`);
    await Promise.all([rig.a.gateway.close(), rig.b.gateway.close()]);
  }
});
