import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { Barrier } from '../../helpers/barrier.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

t.test('`df` uses local data, whatever the network does', async (t) => {
  const { a, netA, converge } = await openHttpPair(t);
  await a.write('/Sync/f', 'content');
  await converge();
  const sizes = async (path: string) => a.fs.statfs((await a.stat(path)).id, context);

  // From now on no request gets a response.
  const barrier = new Barrier();
  netA.before = () => barrier.wait();
  const asked = a.gateway.pull(context);
  await barrier.reached;
  for (const path of ['/', '/Sync', '/Backup', '/Archive']) {
    const { total, used, available } = await sizes(path);
    t.ok(total > 0 && used >= 0 && available > 0, `${path}: ${total} ${used} ${available}`);
  }
  netA.before = () => undefined;
  barrier.open();
  await asked;

  a.gateway.stack.quota.refresh();
  for (const end = Date.now() + 30_000; (await sizes('/Sync')).files === 0 && Date.now() < end;) await sleep(10);
  const known = await sizes('/Sync');
  t.equal(known.files, 1, 'the cloud has reported its usage');
  await netA.stop();
  await a.restart();
  t.same(await sizes('/Sync'), known, 'a start without the cloud shows the last report');
});
