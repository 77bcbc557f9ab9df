import { join } from 'node:path';
import t, { type Test } from 'tap';
import { background as context } from '../../src/vfs/context.ts';
import { openDevice } from '../helpers/devices.ts';
import { DirectCloud } from '../helpers/direct-cloud.ts';
import { RecordedSync } from '../helpers/recorded-sync.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

async function start(t: Test, durability: 'process' | 'power') {
  const dir = temporary(t);
  const cloud = await DirectCloud.open(dir);
  t.teardown(() => cloud.close());
  const remote = await cloud.device('alpha');
  const recorded = new RecordedSync();
  const options = { dir: join(dir, 'a'), remote, durability, sync: recorded.disk };
  const device = await openDevice(t, 'alpha', remote.self.id, options);
  await device.sync();
  remote.offline = true;
  recorded.watch(device.gateway.stack.db);
  const { id: sync } = await device.stat('/Sync');
  /** The syncs before an operation resolves. */
  const syncsOf = async (act: () => unknown): Promise<string[]> => {
    const { length } = recorded.events;
    await act();
    return recorded.events.slice(length).map((event) => event.replace(/ .*/, ''));
  };
  return { device, sync, syncsOf };
}

t.test('with durability "power" every acknowledged change survives a power loss', async (t) => {
  const { device, sync, syncsOf } = await start(t, 'power');
  const { fs } = device;
  const made = await syncsOf(() => device.mkdir('/Sync/folder'));
  t.ok(made.includes('records'), 'mkdir');
  let handle = await fs.create(sync, 'first', {}, { read: false, write: true }, context);
  const created = await syncsOf(async () => {
    handle = await fs.create(sync, 'f', {}, { read: false, write: true }, context);
  });
  t.ok(created.includes('records'), 'create');
  await handle.write(Buffer.from('content'), 0, context);
  const closed = await syncsOf(() => handle.close());
  t.ok(
    closed.indexOf('file') >= 0 && closed.lastIndexOf('records') > closed.indexOf('file'),
    `close: ${closed.join(' ')}`,
  );
  const renamed = await syncsOf(() => device.rename('/Sync/f', '/Sync/g'));
  t.ok(renamed.includes('records'), 'rename');
  const put = await syncsOf(() => device.write('/Sync/h', 'content'));
  t.ok(put.indexOf('file') >= 0 && put.lastIndexOf('records') > put.indexOf('file'), `draft: ${put.join(' ')}`);
  const gone = await syncsOf(() => device.unlink('/Sync/g'));
  t.ok(gone.includes('records'), 'unlink');
});

t.test('sync writes all acknowledged changes to the disk, and open files', async (t) => {
  const { device, sync, syncsOf } = await start(t, 'process');
  const handles = [];
  for (const name of ['one', 'two']) {
    const handle = await device.fs.create(sync, name, {}, { read: false, write: true }, context);
    await handle.write(Buffer.from('content'), 0, context);
    handles.push(handle);
  }
  await handles[0]?.close();
  const synced = await syncsOf(() => device.fs.sync?.(context));
  t.ok(synced.filter((event) => event === 'file').length >= 2, 'both contents');
  t.ok(synced.lastIndexOf('records') > synced.lastIndexOf('file'), `and then the records: ${synced.join(' ')}`);
  await handles[1]?.close();
});

t.test('otherwise only an fsync waits for the disk', async (t) => {
  const { device, sync, syncsOf } = await start(t, 'process');
  const handle = await device.fs.create(sync, 'f', {}, { read: false, write: true }, context);
  await handle.write(Buffer.from('content'), 0, context);
  const synced = await syncsOf(() => handle.sync(context));
  t.ok(
    synced.indexOf('file') >= 0 && synced.lastIndexOf('records') > synced.indexOf('file'),
    `fsync: ${synced.join(' ')}`,
  );
  let waited = 0;
  for (let i = 0; i < 50; i++) waited += (await syncsOf(() => device.mkdir(`/Sync/${i}`))).length;
  t.ok(waited <= 25, `${waited} syncs during 50 changes, by periodic commits`);
});
