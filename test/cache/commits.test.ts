import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { systemSync } from '../../src/libc/disk-sync.ts';
import { background } from '../../src/vfs/context.ts';
import { type CacheDiskOptions, openCacheDisk } from '../helpers/cache-disk.ts';
import { MemorySource } from '../helpers/memory-source.ts';
import { RecordedSync } from '../helpers/recorded-sync.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

/** Time limit, generous for a busy machine, ms. */
const TIMEOUT = 30_000;

async function open(t: Test, options: CacheDiskOptions = {}, dir = temporary(t)) {
  const recorded = new RecordedSync();
  const disk = await openCacheDisk(dir, new MemorySource(), { ...options, staging: { sync: recorded.disk } });
  recorded.watch(disk.db);
  t.teardown(() => disk.close());
  return { ...disk, recorded, dir };
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + TIMEOUT; !holds(); await sleep(10)) {
    if (Date.now() > end) throw new Error('waited in vain');
  }
}

t.test('closed content is synced before the records that refer to it, without a request', async (t) => {
  const { staging, writer, recorded } = await open(t);
  const file = staging.create(null);
  await file.append(Buffer.from('content'), background);
  file.close();
  await writer.write([{ type: 'put', table: 'entries', key: 'x', value: { staged: file.id } }]);
  t.same(recorded.events, [], 'nothing waits for the disk');
  const began = performance.now();
  await until(() => recorded.events.includes('records'));
  t.same(recorded.events, [`file ${file.id}`, 'records']);
  t.ok(performance.now() - began > 200, 'it was not done at once');
  await sleep(2000);
  t.same(recorded.events, [`file ${file.id}`, 'records'], 'and nothing is synced if nothing has changed');
});

t.test('many files are synced by one call', async (t) => {
  const { staging, recorded } = await open(t);
  for (let i = 0; i < 100; i++) {
    const file = staging.create(null);
    await file.append(Buffer.from(`content ${i}`), background);
    file.close();
  }
  await until(() => recorded.events.includes('all'));
  await sleep(2000);
  const single = recorded.events.filter((event) => event.startsWith('file'));
  // On a busy machine creating them may have taken several commits, of which the last had only a few files.
  t.ok(single.length <= 16, `${single.length} files were synced by themselves`);
});

t.test('a file is not synced while it is being written, but afterwards', async (t) => {
  const { staging, recorded } = await open(t);
  const file = staging.create(null);
  for (const end = performance.now() + 2500; performance.now() < end; await sleep(20)) {
    await file.append(Buffer.from('more'), background);
  }
  const { length } = recorded.events;
  // A pause of the machine may have looked like a pause of the writer.
  t.ok(length <= 1, `${length} syncs during 2.5 s of writing`);
  await until(() => recorded.events.length > length);
  t.equal(recorded.events.at(-1), `file ${file.id}`);
});

t.test('an fsynced file is not synced again, and a removed file is not synced', async (t) => {
  const { staging, recorded } = await open(t);
  const [synced, gone] = [staging.create(null), staging.create(null)];
  await synced.append(Buffer.from('a'), background);
  await gone.append(Buffer.from('b'), background);
  await synced.sync();
  const { length } = recorded.events;
  synced.close();
  await staging.discard(gone.id);
  await sleep(2000);
  t.notOk(recorded.events.slice(length).some((event) => event !== 'records'));
});

t.test('a failed sync is retried, and the records do not wait for it', async (t) => {
  const { staging, writer, recorded } = await open(t);
  const file = staging.create(null);
  await file.append(Buffer.from('content'), background);
  file.close();
  recorded.failure = new Error('the disk has a bad day');
  await writer.write([{ type: 'put', table: 'entries', key: 'x', value: {} }]);
  await until(() => recorded.events.length >= 2);
  t.same(recorded.events, ['records', `file ${file.id}`]);
});

t.test('files left by a process are synced by the next one', async (t) => {
  const dir = temporary(t);
  const before = await openCacheDisk(dir, new MemorySource());
  const file = before.staging.create(null);
  await file.append(Buffer.from('content'), background);
  await before.close();
  const { recorded } = await open(t, {}, dir);
  await until(() => recorded.events.length > 0);
  t.same(recorded.events, [`file ${file.id}`]);
});

t.test('with durability "power" a batch resolves when it and its content are on the disk', async (t) => {
  const { staging, writer, recorded, db } = await open(t, { durable: true });
  const [complete, written, other] = [staging.create(null), staging.create(null), staging.create(null)];
  for (const file of [complete, written, other]) await file.append(Buffer.from('content'), background);
  await writer.write([
    { type: 'put', table: 'journal', key: '1', value: { op: 'put', staged: complete.id } },
    { type: 'put', table: 'journal', key: '2', value: { op: 'put', staged: written.id, writing: true } },
    { type: 'put', table: 'entries', key: 'x', value: { staged: other.id, local: true } },
    { type: 'put', table: 'entries', key: 'y', value: { staged: written.id } },
  ]);
  const [first, second, third, ...rest] = recorded.events;
  t.same(new Set([first, second]), new Set([`file ${complete.id}`, `file ${other.id}`]));
  t.equal(third, 'records');
  t.same(rest, []);

  const gone = staging.create(null);
  await staging.discard(gone.id);
  await writer.write([{ type: 'put', table: 'journal', key: '3', value: { op: 'put', staged: gone.id } }]);
  t.pass('a file that was discarded in the meantime does not delay anything');

  recorded.failure = Object.assign(new Error('the disk is broken'), { code: 'EIO' });
  const failing = writer.write([
    { type: 'put', table: 'journal', key: '4', value: { op: 'put', staged: complete.id } },
  ]);
  await t.rejects(failing, { code: 'EIO' });
  t.equal(db.failure?.code, 'EIO', 'after which no change is acknowledged any more');
});

t.test('the system can sync a whole file system', { skip: process.platform !== 'linux' }, async (t) => {
  const { all } = systemSync();
  t.ok(all, 'with the C library of this system');
  await all?.(temporary(t));
  await t.rejects(all?.('/nowhere') ?? Promise.resolve(), { code: 'ENOENT' });
});
