import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { FsError } from '../../../src/vfs/fs-error.ts';
import { openPair } from '../../helpers/devices.ts';

t.test('a cloud that cannot be reached, or talks nonsense, removes nothing here', async (t) => {
  const pair = await openPair(t);
  const { a, b, cloud, netB } = pair;
  await a.mkdir('/Sync/d');
  await a.write('/Sync/d/f', 'kept');
  await pair.converge();
  t.equal(await b.read('/Sync/d/f'), 'kept');
  const before = await b.tree();

  netB.offline = true;
  await t.rejects(b.gateway.pull(context), { code: 'EAGAIN' });
  await b.restart();
  t.strictSame(await b.tree(), before, 'after a start without a network');

  netB.offline = false;
  cloud.disturb = (call) => {
    if (call === 'feed' || call === 'snapshot') throw new FsError('EIO', call, { reason: 'not what was expected' });
  };
  await t.rejects(b.gateway.pull(context), { code: 'EIO' });
  t.strictSame(await b.tree(), before);
  cloud.disturb = () => undefined;
  await pair.converge();
  t.strictSame(await b.tree(), before);
});

t.test('a snapshot that ends before its time removes nothing', async (t) => {
  const pair = await openPair(t);
  const { a, b, netB } = pair;
  for (let i = 0; i < 5; i++) await a.write(`/Sync/${i}`, `${i}`);
  await pair.converge();
  const before = await b.tree();
  const whole = netB.snapshot.bind(netB);
  netB.snapshot = async function* short(...args: Parameters<typeof whole>) {
    let left = 2;
    for await (const record of whole(...args)) {
      if (left-- === 0) return;
      yield record;
    }
  };
  const space = (await b.gateway.stack.ground.catalog.spaces()).find(({ kind }) => kind === 'sync');
  b.gateway.stack.follower.resync(space?.id ?? '');
  await b.gateway.pull(context);
  t.strictSame(await b.tree(), before);
});
