import { join } from 'node:path';
import t from 'tap';
import { insertSpace } from '../../../../src/cloud/server/meta/spaces.ts';
import { openDevice } from '../../../helpers/devices.ts';
import { DirectCloud } from '../../../helpers/direct-cloud.ts';
import { temporary } from '../../../helpers/temporary.ts';

t.test('a shared folder in the list of spaces is ignored, with one line in the log', async (t) => {
  const dir = temporary(t);
  const cloud = await DirectCloud.open(dir);
  t.teardown(() => cloud.close());
  const remote = await cloud.device('alpha');
  const lines: string[] = [];
  const log = {
    info: (_: object, message: string) => void lines.push(message),
    warn: (_: object, message: string) => void lines.push(message),
  };
  const a = await openDevice(t, 'alpha', remote.self.id, { dir: join(dir, 'a'), remote, log });
  await a.sync();
  const folder = await a.mkdir('/Sync/team');
  await a.write('/Sync/team/f', 'content');
  await a.sync();

  const { db } = cloud.meta;
  await insertSpace(db, { account: cloud.account, kind: 'shared', name: 'team', device: '' }, Date.now());
  const shared = await db.selectFrom('spaces').select('id').where('kind', '=', 'shared').executeTakeFirstOrThrow();
  // Its root may be a folder that is shown in another place.
  await db.updateTable('spaces').set({ root: folder.id }).where('id', '=', shared.id).execute();
  await a.sync();
  await a.sync();
  const seen = async (): Promise<string[]> => Object.keys(await a.tree(''));
  const all = ['/Archive/', '/Backup/', '/Sync/', '/Sync/team/', '/Sync/team/f'];
  t.same((await seen()).sort(), all);
  t.equal(lines.filter((line) => line.includes('cannot show shared folders')).length, 1);

  cloud.calls.length = 0;
  for (let rev = 1; rev < 20; rev++) cloud.hub.publish(cloud.account, { type: 'space', space: shared.id, rev });
  await a.write('/Sync/g', 'x');
  await a.sync();
  t.notOk(cloud.calls.filter((call) => call === 'spaces').length > 5, 'its feed is not requested');

  await db.deleteFrom('spaces').where('id', '=', shared.id).execute();
  await a.sync();
  t.same((await seen()).sort(), [...all, '/Sync/g'].sort(), 'its end removes nothing');
  t.equal(await a.read('/Sync/team/f'), 'content');
});
