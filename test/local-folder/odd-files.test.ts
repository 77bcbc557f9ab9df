import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { background as context } from '../../src/vfs/context.ts';
import { DirectCloud } from '../helpers/direct-cloud.ts';
import { openDevice } from '../helpers/devices.ts';
import { SyncedFolder } from '../helpers/synced-folder.ts';
import { temporary } from '../helpers/temporary.ts';

t.test('hard links, pipes, long names and times before 1970 go both ways, or are left alone', async (t) => {
  const dir = temporary(t);
  const cloud = await DirectCloud.open(dir);
  t.teardown(() => cloud.close());
  const remote = await cloud.device('alpha');
  const device = await openDevice(t, 'alpha', remote.self.id, { dir: join(dir, 'a'), remote });
  await device.sync();
  const synced = await SyncedFolder.open(t, device, join(dir, 'folder'));
  const long = 'ü'.repeat(127) + 'x';
  writeFileSync(synced.path('one'), 'linked');
  linkSync(synced.path('one'), synced.path('two'));
  execFileSync('mkfifo', [synced.path('pipe')]);
  writeFileSync(synced.path(long), 'long');
  writeFileSync(synced.path('old'), 'old');
  // Node takes a negative number for the present.
  execFileSync('touch', ['-d', '@-86400', synced.path('old')]);
  const first = await synced.settle();
  t.same([...first.problems], []);
  const shown = { '/Sync/old': 'old', '/Sync/one': 'linked', '/Sync/two': 'linked', [`/Sync/${long}`]: 'long' };
  t.same(await device.tree(), shown);
  t.equal((await device.stat('/Sync/old')).mtime, -86_400_000);

  await device.write('/Sync/one', 'changed there');
  await device.write(`/Sync/${long}`, 'changed there');
  await device.fs.setattr((await device.stat('/Sync/old')).id, { mtime: -1000 }, context);
  await synced.settle();
  t.equal(readFileSync(synced.path('one'), 'utf8'), 'changed there');
  t.equal(readFileSync(synced.path('two'), 'utf8'), 'linked', 'the other name of a file keeps its content');
  t.equal(readFileSync(synced.path(long), 'utf8'), 'changed there');
  t.equal(statSync(synced.path('old')).mtimeMs, -1000);
  t.ok(statSync(synced.path('pipe')).isFIFO());

  // Both sides change the one with the longest name: so does the copy have a name.
  writeFileSync(synced.path(long), 'here');
  await device.write(`/Sync/${long}`, 'there');
  await synced.settle();
  t.same(
    Object.values(await device.tree())
      .filter((text) => /^t?here$/.test(text))
      .sort(),
    ['here', 'there'],
  );
  mkdirSync(synced.path('pipes'));
  execFileSync('mkfifo', [synced.path('pipes/in')]);
  await synced.settle();
  await device.removeTree('/Sync/pipes').catch(() => undefined);
  await synced.settle();
  t.ok(statSync(synced.path('pipes/in')).isFIFO(), 'what is not synced is not removed with its folder');
});
