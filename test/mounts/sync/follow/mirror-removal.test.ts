import t from 'tap';
import { insertSpace } from '../../../../src/cloud/server/meta/spaces.ts';
import { background as context } from '../../../../src/vfs/context.ts';
import { splitPath, walk } from '../../../../src/vfs/walk.ts';
import { openPair } from '../../../helpers/devices.ts';
import { mkdir, remove } from '../../../helpers/intents.ts';

t.test('what this computer changed in a mirror goes with the folder that its owner removes', async (t) => {
  const { cloud, netA, a, b } = await openPair(t);
  await insertSpace(cloud.meta.db, { account: cloud.account, kind: 'backup', name: 'set', device: netA.self.id }, 1);
  const spaces = await netA.spaces(context);
  const set = spaces.find(({ kind }) => kind === 'backup');
  if (set === undefined) throw new Error('no set');
  const made = mkdir({ space: set.id, parent: set.root, name: 'photos' });
  t.match(await netA.commit([made], context), [{ status: 'done' }]);
  await b.sync();
  const { raw } = b.gateway;
  const folder = await walk(raw, splitPath('/Backup/alpha/set/photos', 'test'), context);
  await raw.mkdir(folder.id, 'of beta', {}, context);
  await t.rejects(b.gateway.flush(), 'only the owner may write');
  t.match(b.gateway.status(), { parked: 1 });

  t.match(await netA.commit([remove(set.id, made.node, null, 1000)], context), [{ status: 'done' }]);
  await b.gateway.pull(context);
  await a.sync();
  t.strictSame(await b.tree('/Backup'), { '/Backup/alpha/': '', '/Backup/alpha/set/': '' });
  t.match(b.gateway.status(), { queued: 0, parked: 0 });
});
