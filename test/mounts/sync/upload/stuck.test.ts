import t from 'tap';
import { flush } from '../../../../src/mounts/flush.ts';
import { syncStatus } from '../../../../src/mounts/sync-status.ts';
import { Chores } from '../../../../src/mounts/sync/chores.ts';
import { Replica } from '../../../../src/mounts/sync/replica.ts';
import { StagedCollector } from '../../../../src/mounts/drive/staged-collector.ts';
import { Changes } from '../../../../src/mounts/drive/changes.ts';
import { Uploader } from '../../../../src/mounts/sync/upload/uploader.ts';
import { background as context } from '../../../../src/vfs/context.ts';
import { openPair } from '../../../helpers/devices.ts';

t.test('a queue that does not go on, and could, says so: once in the log, in the status, in a flush', async (t) => {
  const { a, netA } = await openPair(t);
  netA.offline = true;
  await a.mkdir('/Sync/first');
  await a.write('/Sync/second', 'second');
  const { stack } = a.gateway;
  const { follower } = stack;
  const warnings: string[] = [];
  const log = {
    info: () => undefined,
    warn: (details: object, message: string) => void warnings.push(`${JSON.stringify(details)} ${message}`),
  };
  const device = { id: 'a', name: 'a' };
  const clock = { now: Date.now, random: Math.random };
  const more = { remote: netA, openFiles: stack.files, changes: new Changes(), device, ...clock, log };
  const stagedCollector = new StagedCollector(stack, () => false);
  const chores = new Chores(await stack.db.rows('chores'), stack.writer);
  const replica = new Replica({ ...stack, ...more, stagedCollector, chores });
  const sources = {
    offer: () => undefined,
    expect: () => undefined,
    resync: () => undefined,
    mark: () => undefined,
    relist: () => undefined,
  };
  // The fault: it never picks anything.
  const uploader = new Uploader({ ...stack, ...more, replica }, sources, () => ({
    batch: [],
    big: [],
    nextAt: undefined,
  }));
  uploader.start();
  t.teardown(() => uploader.close());
  await t.rejects(
    flush({ ...stack, uploader }, undefined, () => undefined, context),
    { code: 'EIO', subject: '/Sync/first', reason: /^it is not being sent.*\(and 1 more\)/ },
    'also a flush that has begun before',
  );
  await t.rejects(
    flush({ ...stack, uploader }, undefined, () => undefined, context),
    { code: 'EIO' },
  );
  t.match(syncStatus({ ...stack, uploader, follower }), { stuck: { path: '/Sync/first', op: 'mkdir' } });
  uploader.reachable();
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(warnings.length, 1);
  t.match(warnings[0], /\/Sync\/first.*makes no progress/);
});
