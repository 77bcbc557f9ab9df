import { randomUUID } from 'node:crypto';
import t from 'tap';
import { isScratch, scratchName } from '../../../src/vfs/name.ts';
import { openPair } from '../../helpers/devices.ts';

t.setTimeout(500_000);

t.test('partial copies of a dead process are removed, and were never sent', async (t) => {
  const { a, b, netA, converge } = await openPair(t);
  await a.mkdir('/Sync/album');
  await a.write('/Sync/album/old', 'old');
  await converge();
  netA.offline = true;
  for (const mount of ['/Sync', '/Archive']) {
    const half = `${mount}/${scratchName(randomUUID())}`;
    await a.mkdir(half);
    await a.mkdir(`${half}/inside`);
    await a.write(`${half}/inside/f`, 'half of it');
    await a.write(`${mount}/${scratchName(randomUUID())}`, 'a file');
  }
  // A copy that was complete and has its final name.
  const whole = `/Sync/${scratchName(randomUUID())}`;
  await a.mkdir(whole);
  await a.write(`${whole}/new`, 'new');
  await a.rename(whole, '/Sync/fresh');
  await a.restart();
  const left = { '/Sync/album/': '', '/Sync/album/old': 'old', '/Sync/fresh/': '', '/Sync/fresh/new': 'new' };
  t.strictSame(await a.tree('/Sync'), left);
  t.strictSame(await a.tree('/Archive'), {});
  netA.offline = false;
  await converge();
  t.strictSame(await b.tree('/Sync'), left);
  t.strictSame(await b.tree('/Archive'), {});
  t.equal(a.gateway.status().parked, 0);
});

t.test('nothing is sent under a scratch name; with its final name it is', async (t) => {
  const { a, b, cloud, converge } = await openPair(t);
  const name = scratchName(randomUUID());
  cloud.calls.length = 0;
  await a.mkdir(`/Sync/${name}`);
  await a.write(`/Sync/${name}/f`, 'content');
  await a.write('/Sync/other', 'sent meanwhile');
  await a.gateway.flush('/Sync/other');
  t.strictSame(
    Object.keys(await b.tree()).filter((path) => path.includes(name)),
    [],
  );
  t.equal(a.gateway.status().queued, 2);
  await a.rename(`/Sync/${name}`, '/Sync/named');
  await converge();
  t.strictSame(await b.tree(), { '/Sync/named/': '', '/Sync/named/f': 'content', '/Sync/other': 'sent meanwhile' });
});

t.test('scratch names are recognized', async (t) => {
  t.ok(isScratch(scratchName(randomUUID())));
  for (const name of ['.fjord-copy-', '.fjord-copy-1', 'fjord-copy', `${scratchName(randomUUID())}.txt`]) {
    t.notOk(isScratch(name), name);
  }
});
