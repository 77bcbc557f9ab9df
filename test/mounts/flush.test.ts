import t from 'tap';
import { FsError } from '../../src/vfs/fs-error.ts';
import { background as context } from '../../src/vfs/context.ts';
import type { FlushProgress } from '../../src/mounts/flush.ts';
import type { Gateway } from '../../src/mounts/gateway.ts';
import { openPair } from '../helpers/devices.ts';

t.setTimeout(500_000);

t.test('it resolves when everything is in the cloud, and reports progress', async (t) => {
  const { a, b } = await openPair(t);
  for (let i = 0; i < 30; i++) await a.write(`/Sync/${i}`, `content ${i}`);
  const seen: FlushProgress[] = [];
  await a.gateway.flush('/', (progress) => seen.push(progress));
  t.equal(a.gateway.status().queued, 0);
  const last = seen.at(-1);
  t.strictSame(last, { done: last?.total, total: last?.total, bytes: 0, offlineSince: undefined, waits: [] });
  await b.sync();
  t.equal(Object.keys(await b.tree()).length, 30);
});

t.test('with nothing to send it resolves at once, also without a network', async (t) => {
  const { a, netA } = await openPair(t);
  netA.offline = true;
  await a.gateway.flush();
  t.equal(a.gateway.status().queued, 0);
});

t.test('flushing one folder does not wait for others', async (t) => {
  const { a } = await openPair(t);
  await a.mkdir('/Sync/x');
  await a.mkdir('/Sync/y');
  const y = await a.stat('/Sync/y');
  const open = await a.fs.create(y.id, 'open', {}, { read: false, write: true }, context);
  await open.write(Buffer.from('being written'), 0, context);
  await a.write('/Sync/x/f', 'done');
  await a.gateway.flush('/Sync/x');
  t.equal(a.gateway.status().queued, 1, 'the open file is not sent');
  await a.gateway.flush('/Sync/y');
  t.equal(a.gateway.status().queued, 0, 'now it is, although it is open');
  await open.close();
});

t.test('without a network it waits, and can be interrupted', async (t) => {
  const { a, netA } = await openPair(t);
  netA.offline = true;
  await a.write('/Sync/f', 'x');
  const stop = new AbortController();
  const flushed = a.gateway.flush('/', () => undefined, { signal: stop.signal });
  await new Promise((resolve) => setTimeout(resolve, 50));
  stop.abort();
  await t.rejects(flushed, { code: 'EINTR' });
  t.equal(a.gateway.status().queued, 1);
  netA.offline = false;
  await a.gateway.flush();
  t.equal(a.gateway.status().queued, 0);
});

t.test('a refused change makes it fail with a reason, does not block others, and can be retried', async (t) => {
  const { a, cloud, netA } = await openPair(t);
  const quota = async (bytes: number): Promise<void> => {
    await cloud.meta.db.updateTable('accounts').set({ quota: bytes }).execute();
  };
  await quota(10_000);
  await a.mkdir('/Sync/d');
  await a.write('/Sync/d/large', Buffer.alloc(400_000, 7));
  await a.write('/Sync/d/small', 'small');
  await t.rejects(a.gateway.flush('/Sync/d'), {
    code: 'EDQUOT',
    subject: '/Sync/d/large',
    reason: /quota.*fjord retry/,
  });
  const { parked, parkedChanges, queued, bytes } = a.gateway.status();
  t.match({ parked, queued, bytes, parkedChanges }, { parked: 1, queued: 1, bytes: 400_000 });
  t.match(parkedChanges[0], { path: '/Sync/d/large', op: 'put', code: 'EDQUOT' });
  const names = [];
  const space = (await netA.spaces(context)).find(({ kind }) => kind === 'sync');
  for await (const record of netA.snapshot(space?.id ?? '', context)) if ('id' in record) names.push(record.name);
  t.strictSame(names.sort(), ['d', 'small']);

  await quota(1e9);
  t.equal(a.gateway.retry(), 1);
  await a.gateway.flush();
  t.equal(a.gateway.status().queued, 0);
});

t.test('it names what it waits for', async (t) => {
  const { a, cloud, netA } = await openPair(t);
  const archive = await a.stat('/Archive');
  const open = await a.fs.create(archive.id, 'open', {}, { read: false, write: true }, context);
  await open.write(Buffer.from('being written'), 0, context);
  const { id } = await a.stat('/Archive/open');
  cloud.refuse = (intents) => intents.some((intent) => 'name' in intent && intent.name === 'bad');
  await a.write('/Sync/bad', 'bad');
  const seen: FlushProgress[] = [];
  const told = (matches: (progress: FlushProgress) => boolean): Promise<void> => until(() => seen.some(matches));
  const has = (why: string, path?: string) => (progress: FlushProgress) =>
    progress.waits.some((wait) => wait.why === why && wait.path === path);
  const flushed = a.gateway.flush('/', (progress) => seen.push(progress)).catch((error: unknown) => error);
  await told(has('busy', '/Archive/open'));
  await told(has('parked', '/Sync/bad'));
  const lock = await a.fs.hold(id, context);
  await open.close();
  netA.offline = true;
  seen.length = 0;
  lock.release();
  await told(has('offline'));
  netA.offline = false;
  a.gateway.stack.uploader.reachable();
  t.match(await flushed, { code: 'EINVAL', subject: '/Sync/bad' });
  t.equal(a.gateway.status().queued, 1, 'what could be sent is sent');
});

t.test('a change that exceeded the quota is sent automatically once there is room', async (t) => {
  const { a, cloud } = await openPair(t);
  const quota = async (bytes: number): Promise<void> => {
    await cloud.meta.db.updateTable('accounts').set({ quota: bytes }).execute();
  };
  const { quota: watch } = a.gateway.stack;
  await quota(10_000);
  await a.write('/Sync/large', Buffer.alloc(400_000, 7));
  await a.write('/Sync/larger', Buffer.alloc(900_000, 8));
  await until(() => a.gateway.status().parked === 2);
  await quota(20_000);
  cloud.calls.length = 0;
  watch.refresh();
  await until(() => cloud.calls.includes('usage'));
  t.equal(a.gateway.status().parked, 2, 'it does not fit yet');
  await quota(600_000);
  await until(() => {
    watch.refresh();
    return a.gateway.status().queued === 1;
  });
  t.match(a.gateway.status().parkedChanges, [{ path: '/Sync/larger' }]);
});

t.test('a change that failed because of a missing right is retried by the next start, as after a login', async (t) => {
  const { a } = await openPair(t);
  await park(a.gateway, '/Sync/g', 'EACCES');
  await park(a.gateway, '/Sync/h', 'EINVAL');
  t.equal(a.gateway.status().parked, 2);
  await a.restart();
  await until(() => a.gateway.status().queued === 1);
  t.match(a.gateway.status().parkedChanges, [{ path: '/Sync/h', code: 'EINVAL' }]);
  t.equal(a.gateway.retry(), 1);
  await a.gateway.flush();
});

/** A new file whose creation is recorded as refused by the cloud. */
async function park({ fs, stack }: Gateway, path: string, code: string): Promise<void> {
  const { journal, writer } = stack;
  const [folder, name = ''] = path.slice(1).split('/');
  const { id } = await fs.lookup(fs.root, folder ?? '', context);
  const handle = await fs.create(id, name, {}, { read: false, write: true }, context);
  const [put] = journal.of(handle.node);
  if (put === undefined) throw new Error('nothing was promised');
  await writer.write([journal.put({ ...put, parked: { code, reason: 'refused', at: 0 } })]);
  await handle.close();
}

t.test('a batch that makes a call fail is split: only the responsible change is parked', async (t) => {
  const { a, cloud } = await openPair(t);
  for (let i = 0; i < 8; i++) await a.write(`/Sync/${i}`, `${i}`);
  await a.gateway.flush();
  // A request with this name in it is refused as a whole, as by a firewall.
  cloud.refuse = (intents) => intents.some((intent) => 'name' in intent && intent.name === 'bad');
  await a.write('/Sync/good', 'good');
  await a.write('/Sync/bad', 'bad');
  await a.write('/Sync/better', 'better');
  await t.rejects(a.gateway.flush(), { code: 'EINVAL', subject: '/Sync/bad' });
  t.strictSame(
    a.gateway.status().parkedChanges.map(({ path }) => path),
    ['/Sync/bad'],
  );
  t.equal(a.gateway.status().queued, 1);
});

t.test('Archive: it does not wait for files to settle, and their content is dropped', async (t) => {
  const { a, b } = await openPair(t, { settle: 3_600_000 });
  await a.mkdir('/Archive/2026');
  await a.write('/Archive/2026/photo', Buffer.alloc(300_000, 3));
  t.equal(a.gateway.status().inFlight, 0, 'it is settling');
  await a.gateway.flush('/Archive');
  t.equal(a.gateway.status().queued, 0);
  await b.sync();
  t.equal((await b.stat('/Archive/2026/photo')).size, 300_000);
  await t.rejects(a.unlink('/Archive/2026/photo'), { code: 'EPERM' });
  await until(() => a.gateway.status().staged === 0);
  t.equal(a.gateway.status().cache.bytes, 0);
});

t.test('a file of many blocks is uploaded beside small ones, and deduplicated', async (t) => {
  const { a, b, cloud } = await openPair(t);
  const large = Buffer.alloc(20 * 1024 * 1024 + 5);
  for (let i = 0; i < large.length; i += 4096) large.writeUInt32LE(i, i);
  await a.write('/Sync/large', large);
  await a.gateway.flush();
  const before = cloud.calls.filter((call) => call === 'upload').length;
  await a.write('/Sync/copy', large);
  await a.gateway.flush();
  t.equal(cloud.calls.filter((call) => call === 'upload').length, before, 'no byte is sent twice');
  await b.sync();
  t.ok((await b.bytes('/Sync/copy')).equals(large));
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

t.test('a cloud that refuses this computer ends it at once, with nothing lost', async (t) => {
  const { a, cloud } = await openPair(t);
  cloud.disturb = (): void => {
    throw new FsError('EACCES', 'test', { reason: 'revoked' });
  };
  await a.write('/Sync/f', 'x');
  for (let again = 0; again < 3; again++) {
    await t.rejects(a.gateway.flush(), { code: 'EACCES', reason: /revoked; queued changes stay queued/ });
    t.match(a.gateway.status(), { queued: 1, error: 'revoked' });
  }
  cloud.disturb = (): void => undefined;
  await a.gateway.flush();
  t.equal(a.gateway.status().queued, 0);
});

t.test(
  'changes that wait for a parked one make it fail with a reason, also if that one is in another folder',
  async (t) => {
    const { a, cloud } = await openPair(t);
    cloud.refuse = (intents) => intents.some((intent) => 'name' in intent && intent.name === 'bad');
    await a.mkdir('/Sync/bad');
    await t.rejects(a.gateway.flush(), { code: 'EINVAL', subject: '/Sync/bad' });
    await a.mkdir('/Sync/bad/in');
    await a.write('/Sync/bad/in/f', 'f');
    t.match(a.gateway.status(), { queued: 3, parked: 1, behind: 2, stuck: undefined });
    await t.rejects(a.gateway.flush('/Sync/bad/in/f'), {
      code: 'EINVAL',
      subject: '/Sync/bad/in/f',
      reason: /waits for .Sync.bad, which is parked: refused as a whole; see .*fjord retry/,
    });
  },
);

t.test('a change is parked if a temporary refusal does not end', async (t) => {
  const start = Date.now();
  // Time runs faster for the gateway here.
  const { a, netA } = await openPair(t, { now: () => start + (Date.now() - start) * 500 });
  const commit = netA.commit.bind(netA);
  netA.commit = async (intents, context) => {
    const known = intents.filter((intent) => !('name' in intent && intent.name === 'odd'));
    const results = await commit(known, context);
    return intents.map((intent) => {
      const result = results.find(({ id }) => id === intent.id);
      return result ?? { id: intent.id, status: 'refused', code: 'digest_mismatch', message: 'its blocks changed' };
    });
  };
  await a.write('/Sync/odd', 'x');
  await a.write('/Sync/even', 'y');
  await t.rejects(a.sync(), { code: 'EIO', subject: '/Sync/odd', reason: /its blocks changed/ });
  t.match(a.gateway.status(), { queued: 1, parked: 1 });
});
