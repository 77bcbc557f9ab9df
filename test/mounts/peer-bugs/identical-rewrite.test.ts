import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { openPair } from '../../helpers/devices.ts';

t.test('saving the same bytes again makes no version and sends none', async (t) => {
  const pair = await openPair(t);
  const { a, b, cloud, netA } = pair;
  await a.write('/Sync/f', 'the same');
  await pair.converge();
  const before = await a.stat('/Sync/f');
  const seen = await b.stat('/Sync/f');
  cloud.calls.length = 0;

  const handle = await a.fs.open(before.id, { read: false, write: true, truncate: true }, context);
  await handle.write(Buffer.from('the '), 0, context);
  await handle.write(Buffer.from('same'), 4, context);
  await handle.close();
  await a.write('/Sync/f', 'the same');
  await pair.converge();

  t.notOk(cloud.calls.includes('upload'), 'no bytes were sent');
  t.equal((await netA.versions(before.id, context)).length, 1);
  t.equal((await b.stat('/Sync/f')).version, seen.version);
  t.equal((await a.stat('/Sync/f')).size, 8);
  const entry = a.gateway.stack.ground.catalog.get(before.id);
  t.equal(entry?.staged, undefined, 'nothing stays staged');
});
