import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { PendingIntent } from '../../../src/cache/tree/journal.ts';
import { background as context } from '../../../src/vfs/context.ts';
import { FsError, isFsError } from '../../../src/vfs/fs-error.ts';
import { openDevice } from '../../helpers/devices.ts';
import { DirectCloud } from '../../helpers/direct-cloud.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(500_000);

const SETTLE = 60_000;

async function start(t: Test) {
  const dir = temporary(t);
  const cloud = await DirectCloud.open(dir);
  t.teardown(() => cloud.close());
  const remote = await cloud.device('alpha');
  const clock = { now: Date.now() };
  const options = { dir: join(dir, 'a'), remote, settle: SETTLE, now: () => clock.now };
  const device = await openDevice(t, 'alpha', remote.self.id, options);
  await device.sync();
  const { id: archive } = await device.stat('/Archive');
  return { device, remote, cloud, clock, archive, dir };
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

t.test('files that were settling when the process ended settle for the rest of their time', async (t) => {
  const { device, cloud, clock, archive } = await start(t);
  await device.write('/Archive/f', 'content');
  await device.write('/Archive/g', 'content of g');
  const folder = await device.mkdir('/Archive/new');
  clock.now += 20_000;
  const commits = cloud.calls.length;
  await device.restart();
  const { fs } = device;
  const state = () => device.gateway.stack.uploader.status.inFlight;
  t.equal(await device.read('/Archive/f'), 'content');
  const { id } = await device.stat('/Archive/f');
  const handle = await fs.open(id, { read: true, write: true }, context);
  await handle.write(Buffer.from('C'), 0, context);
  await handle.close();
  await fs.setattr(id, { mtime: 1_000_000, mode: 0o600 }, context);
  await device.rename('/Archive/f', '/Archive/new/F');
  await device.unlink('/Archive/g');
  t.equal(state(), 0, 'nothing is being sent');
  t.notOk(cloud.calls.slice(commits).includes('commit'));
  clock.now += SETTLE + 1000;
  await device.sync();
  t.equal(await codeOf(() => fs.open(id, { read: true, write: false }, context)), 'EACCES', 'then it is sealed');
  t.equal(await codeOf(() => fs.unlink(folder.id, 'F', context)), 'EPERM');
  const found = await fs.readdir(archive, { limit: 10 }, context);
  t.same(
    found.entries.map(({ name }) => name),
    ['new'],
  );
  t.match(await device.stat('/Archive/new/F'), { size: 7, mtime: 1_000_000, mode: 0o600 });
});

t.test('it is sent when the rest of its time is over, which a restart does not extend', async (t) => {
  const { device, clock } = await start(t);
  await device.write('/Archive/f', 'content');
  const { id } = await device.stat('/Archive/f');
  clock.now += 20_000;
  await device.restart();
  const { stack } = device.gateway;
  const { uploader } = stack;
  t.equal(stack.activity.readyAt(id, SETTLE), clock.now + 40_000);
  clock.now += 15_000;
  await device.restart();
  const left = device.gateway.stack.activity.readyAt(id, SETTLE) ?? 0;
  t.equal(left, clock.now + 30_000, 'whoever held it open is not known, so it is half a minute at least');
  uploader.reachable();
  t.equal(device.gateway.status().queued, 1);
});

t.test('what was sent, with the answer lost, is neither settling nor changed in place after a restart', async (t) => {
  const { device, cloud, clock } = await start(t);
  await device.write('/Archive/f', 'content');
  clock.now += SETTLE + 1000;
  const lost = new Promise<void>((resolve) => {
    cloud.disturb = async (call, after) => {
      if (call !== 'commit' || !after) return;
      resolve();
      throw new FsError('EAGAIN', 'commit', { reason: 'the answer is lost' });
    };
  });
  device.gateway.stack.uploader.reachable();
  await lost;
  const [before] = [...device.gateway.stack.journal.all()];
  await device.restart();
  const { journal } = device.gateway.stack;
  const [after] = [...journal.all()];
  t.equal(after?.id, before?.id);
  t.ok(journal.isFixed((after as PendingIntent).seq));
  const { id } = await device.stat('/Archive/f');
  const write = () => device.fs.open(id, { read: false, write: true }, context);
  t.equal(await codeOf(write), 'EPERM', 'sealed');
  cloud.disturb = async () => undefined;
  await device.sync();
  t.equal(device.gateway.status().queued, 0);
});

t.test('a change that was not sent is changed in place after a restart, with a new id', async (t) => {
  const { device } = await start(t);
  await device.write('/Archive/f', 'one');
  const [before] = [...device.gateway.stack.journal.all()];
  await device.restart();
  await device.write('/Archive/f', 'two');
  const [after, ...others] = [...device.gateway.stack.journal.all()];
  t.equal(others.length, 0, 'one intent still');
  t.not(after?.id, before?.id);
  await device.unlink('/Archive/f');
  t.equal(device.gateway.status().queued, 0, 'a node that the cloud never had is removed without an intent');
});

t.test('content that was truncated by a power loss is not sent until it is written again', async (t) => {
  const { device, remote, dir } = await start(t);
  await device.write('/Sync/f', 'good');
  await device.sync();
  remote.offline = true;
  await device.write('/Sync/f', 'written shortly before');
  const { staged = '' } = device.gateway.stack.catalog.get((await device.stat('/Sync/f')).id) ?? {};
  await device.gateway.close();
  truncateSync(join(dir, 'a', 'staging', staged), 7);
  await device.restart();
  remote.offline = false;
  await t.rejects(device.gateway.flush(), { code: 'EIO', subject: '/Sync/f', reason: /^only 7 of its 22 bytes/ });
  await device.write('/Sync/f', 'written again');
  await device.gateway.flush();
  t.equal(device.gateway.status().queued, 0);
  t.equal((await device.gateway.versions('/Sync/f', context)).length, 2);
});

t.test('a new file without bytes waits for its content after a restart, too', async (t) => {
  const { device, clock } = await start(t);
  await device.write('/Sync/f', '');
  clock.now += 500;
  await device.restart();
  const { id } = await device.stat('/Sync/f');
  t.equal(device.gateway.stack.activity.readyAt(id, 0), clock.now + 1500);
});
