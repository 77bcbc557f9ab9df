import t from 'tap';
import { openPair } from '../../helpers/devices.ts';

t.test('it starts and serves without a network; what is written then goes up when there is one', async (t) => {
  const pair = await openPair(t);
  const { a, b, cloud, netA } = pair;
  await a.write('/Sync/old', 'old');
  await pair.converge();

  netA.offline = true;
  cloud.calls.length = 0;
  await a.restart();
  t.strictSame(await a.tree(), { '/Sync/old': 'old' });
  await a.write('/Sync/new', 'new');
  await a.rename('/Sync/old', '/Sync/older');
  await a.restart();
  t.strictSame(await a.tree(), { '/Sync/new': 'new', '/Sync/older': 'old' });
  t.equal(a.gateway.status().push, 'down');

  netA.offline = false;
  await pair.converge();
  t.strictSame(await b.tree(), { '/Sync/new': 'new', '/Sync/older': 'old' });
});
