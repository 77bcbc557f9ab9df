import { join } from 'node:path';
import t, { type Test } from 'tap';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import { Gateway } from '../../src/mounts/gateway.ts';
import { background as context } from '../../src/vfs/context.ts';
import { isFsError } from '../../src/vfs/fs-error.ts';
import { walk } from '../../src/vfs/walk.ts';
import { startTestCloud } from '../helpers/cloud.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

const log = { info: () => undefined, warn: (details: object) => console.error(details) };
const limits = { cacheBytes: 1e9, minFree: 0 };

t.test('the Archive permits changes of new files, then seals them and drops their content', async (t) => {
  const { gateway } = await start(t, { settle: 1500 });
  const { fs } = gateway;
  const { id: archive } = await fs.lookup(fs.root, 'Archive', context);
  const folder = await fs.mkdir(archive, 'New folder', {}, context);
  await fs.rename({ parent: archive, name: 'New folder' }, { parent: archive, name: 'photos' }, {}, context);
  const handle = await fs.create(folder.id, '.a.jpg.part', {}, { read: true, write: true }, context);
  await handle.write(Buffer.alloc(100_000, 1), 0, context);
  await handle.sync(context);
  await handle.close();
  await fs.symlink(folder.id, 'link', 'a.jpg', context);
  await fs.rename({ parent: folder.id, name: '.a.jpg.part' }, { parent: folder.id, name: 'a.jpg' }, {}, context);
  await fs.setattr(handle.node, { mtime: 1_000_000, mode: 0o600 }, context);
  await gateway.flush('/');
  t.match(gateway.status(), { queued: 0, parked: 0 });
  const { id, mtime, mode } = await walk(fs, ['Archive', 'photos', 'a.jpg'], context);
  t.same([mtime, mode], [1_000_000, 0o600]);
  t.equal(await codeOf(() => fs.open(id, { read: true, write: false }, context)), 'EACCES');
  t.equal(await codeOf(() => fs.unlink(folder.id, 'a.jpg', context)), 'EPERM');
  await until(() => gateway.status().cache.bytes === 0);
  const raw = await gateway.raw.open(id, { read: true, write: false }, context);
  const into = Buffer.alloc(100_000);
  t.equal(await raw.read(into, 0, context), 100_000, '`fjord get` fetches it from the cloud');
  t.ok(into.every((byte) => byte === 1));
  await raw.close();
});

t.test('the same bytes again, written in place of a sealed file, leave it as it is', async (t) => {
  const { gateway } = await start(t, { settle: 200 });
  const { fs } = gateway;
  const { id: archive } = await fs.lookup(fs.root, 'Archive', context);
  await write(gateway, archive, 'f', 'content');
  await gateway.flush('/');
  await until(() => gateway.status().staged === 0);
  const { id } = await fs.lookup(archive, 'f', context);
  const handle = await fs.open(id, { read: false, write: true, truncate: true }, context);
  await handle.write(Buffer.from('content'), 0, context);
  await handle.close();
  await gateway.flush('/');
  t.match(gateway.status(), { queued: 0, parked: 0 });
  t.equal((await gateway.versions('/Archive/f', context)).length, 1);
});

t.test('versions are listed, read, restored, and seen in `.versions`', async (t) => {
  const { gateway } = await start(t);
  const { fs } = gateway;
  const { id: sync } = await fs.lookup(fs.root, 'Sync', context);
  for (const content of ['one', 'two', 'three']) {
    const draft = await fs.draft(sync, 'f.txt', {}, context);
    await draft.append(Buffer.from(content), context);
    await draft.commit({}, context);
    await gateway.flush('/Sync/f.txt');
  }
  const kept = await gateway.versions('/Sync/f.txt', context);
  t.same(
    kept.map(({ size, current }) => [size, current]),
    [
      [5, true],
      [3, false],
      [3, false],
    ],
  );
  const oldest = kept.at(-1)?.id ?? '';
  const chunks: Uint8Array[] = [];
  for await (const chunk of gateway.readVersion('/Sync/f.txt', oldest, context)) chunks.push(chunk);
  t.equal(Buffer.concat(chunks).toString(), 'one');
  const { id } = await walk(fs, ['Sync', '.versions', 'f.txt'], context);
  t.equal((await fs.readdir(id, { limit: 10 }, context)).entries.length, 3);
  await gateway.restoreVersion('/Sync/f.txt', oldest, context);
  t.equal(await text(gateway, ['Sync', 'f.txt']), 'one');
});

t.test('a copy from one mount to another moves no bytes', async (t) => {
  const { gateway } = await start(t);
  const { fs } = gateway;
  const { id: sync } = await fs.lookup(fs.root, 'Sync', context);
  const { id: archive } = await fs.lookup(fs.root, 'Archive', context);
  const draft = await fs.draft(sync, 'f', {}, context);
  await draft.append(Buffer.alloc(3_000_000, 7), context);
  const { id } = await draft.commit({}, context);
  await gateway.flush('/');
  await fs.copy(id, { parent: archive, name: 'g' }, { replace: false }, context);
  const [put] = [...gateway.stack.journal.all()];
  t.match(put, { op: 'put', from: String, staged: undefined });
  await gateway.flush('/');
  t.match(gateway.status(), { queued: 0, parked: 0 });
  t.equal((await walk(fs, ['Archive', 'g'], context)).size, 3_000_000);
});

t.test('without the cloud all local data is available, from the start', async (t) => {
  const cloud = await startTestCloud(t);
  const dir = temporary(t);
  const remote = new HttpRemote({ url: cloud.url, token: await cloud.login() });
  const device = await remote.device(context);
  const options = { dir, device, limits, log: { info: () => undefined, warn: () => undefined } };
  const first = await Gateway.open({ ...options, remote });
  await first.pull(context);
  const { id: sync } = await first.fs.lookup(first.fs.root, 'Sync', context);
  await write(first, sync, 'f', 'content');
  await first.flush('/');
  await first.close();
  await remote.close();

  const unreachable = new HttpRemote({ url: 'http://127.0.0.1:9', token: 'none' });
  const began = performance.now();
  const second = await Gateway.open({ ...options, remote: unreachable });
  t.ok(performance.now() - began < 5000);
  t.equal(await text(second, ['Sync', 'f']), 'content');
  await write(second, sync, 'g', 'offline');
  await second.fs.rename({ parent: sync, name: 'f' }, { parent: sync, name: 'h' }, {}, context);
  t.ok(second.fs.statfs(sync, context), 'df does not hang');
  t.match(second.status(), { queued: 2, push: 'down' });
  await second.close();
  await unreachable.close();

  const again = new HttpRemote({ url: cloud.url, token: await cloud.login() });
  const third = await Gateway.open({ ...options, remote: again });
  await third.flush('/');
  t.match(third.status(), { queued: 0, parked: 0 });
  t.equal(await text(third, ['Sync', 'h']), 'content');
  await third.close();
  await again.close();
});

async function start(t: Test, more: { settle?: number } = {}) {
  const cloud = await startTestCloud(t);
  const dir = join(temporary(t), 'gateway');
  const remote = new HttpRemote({ url: cloud.url, token: await cloud.login() });
  const gateway = await Gateway.open({ dir, remote, device: await remote.device(context), limits, log, ...more });
  t.teardown(async () => {
    await gateway.close();
    await remote.close();
  });
  await gateway.pull(context);
  return { gateway };
}

async function write({ fs }: Gateway, folder: string, name: string, data: string): Promise<void> {
  const draft = await fs.draft(folder, name, {}, context);
  await draft.append(Buffer.from(data), context);
  await draft.commit({}, context);
}

async function text({ fs }: Gateway, path: string[]): Promise<string> {
  const { id, size } = await walk(fs, path, context);
  const handle = await fs.open(id, { read: true, write: false }, context);
  const into = Buffer.alloc(size);
  await handle.read(into, 0, context);
  await handle.close();
  return into.toString();
}

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'yes';
  } catch (error) {
    if (isFsError(error)) return error.code;
    throw error;
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !holds();) {
    if (Date.now() > end) throw new Error('it does not come true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
