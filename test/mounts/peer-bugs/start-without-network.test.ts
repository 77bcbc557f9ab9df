import t from 'tap';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

t.test('it starts and serves without a network, and uploads changes once there is one', async (t) => {
  const pair = await openHttpPair(t);
  const { a, b, netA } = pair;
  await a.write('/Sync/old', 'old');
  await pair.converge();

  await netA.stop();
  await a.restart();
  t.strictSame(await a.tree(), { '/Sync/old': 'old' });
  await a.write('/Sync/new', 'new');
  await a.rename('/Sync/old', '/Sync/older');
  await a.restart();
  t.strictSame(await a.tree(), { '/Sync/new': 'new', '/Sync/older': 'old' });
  t.equal(a.gateway.status().push, 'down');

  await netA.start();
  await pair.converge();
  t.strictSame(await b.tree(), { '/Sync/new': 'new', '/Sync/older': 'old' });
});

t.test('nor does it wait for a network that accepts requests and never responds', async (t) => {
  const pair = await openHttpPair(t);
  const { a, b, netA } = pair;
  await a.write('/Sync/old', 'old');
  await pair.converge();

  netA.mode = { kind: 'hang' };
  netA.cut();
  await a.restart();
  t.strictSame(await a.tree(), { '/Sync/old': 'old' });
  await a.write('/Sync/new', 'new');
  t.equal(await a.read('/Sync/new'), 'new');

  netA.mode = { kind: 'pass' };
  netA.cut();
  await pair.converge();
  t.strictSame(await b.tree(), { '/Sync/old': 'old', '/Sync/new': 'new' });
});
