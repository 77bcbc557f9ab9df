import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { background as context } from '../../../../src/vfs/context.ts';
import { openPair, type TestDevice } from '../../../helpers/devices.ts';

async function shown(device: TestDevice, path: string): Promise<void> {
  while (!(await device.exists(path))) await sleep(5);
}

t.test('a space that this computer fills is pulled now and then, and at the end', async (t) => {
  const { netA, a, b } = await openPair(t);
  const sync = (await netA.spaces(context)).find(({ kind }) => kind === 'sync');
  if (sync === undefined) throw new Error('no space');
  await a.write('/Sync/before', '');
  await a.sync();
  await shown(b, '/Sync/before');
  await b.sync();

  const end = b.gateway.stack.follower.unhurried(sync.id, 2 ** 30);
  await a.write('/Sync/while', '');
  await a.sync();
  await a.gateway.raw.mkdir((await a.stat('/Archive')).id, 'later', {}, context);
  await a.sync();
  await shown(b, '/Archive/later');
  t.notOk(await b.exists('/Sync/while'), 'though its push came first');
  end();
  await shown(b, '/Sync/while');

  const endAgain = b.gateway.stack.follower.unhurried(sync.id, 1);
  await a.write('/Sync/soon', '');
  await a.sync();
  await shown(b, '/Sync/soon');
  endAgain();
  await a.write('/Sync/after', '');
  await a.sync();
  await shown(b, '/Sync/after');
});
