import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { FolderAgent } from '../../src/local-folder/folder-agent.ts';
import type { WatchFolder, WatchListener } from '../../src/watch/folder-watcher.ts';
import { openDevice } from '../helpers/devices.ts';
import { DirectCloud } from '../helpers/direct-cloud.ts';
import { SyncedFolder } from '../helpers/synced-folder.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(30_000);

/** A clock that goes on with each reading, as a fine one does. */
function tickingClock() {
  let ms = 0;
  return {
    now: () => Date.now(),
    monotonic: () => (ms += 0.001),
    pass: (by: number): void => void (ms += by),
  };
}

async function running(t: Test) {
  const dir = temporary(t);
  const cloud = await DirectCloud.open(dir);
  t.teardown(() => cloud.close());
  const remote = await cloud.device('alpha');
  const device = await openDevice(t, 'alpha', remote.self.id, { dir: join(dir, 'a'), remote });
  await device.sync();
  mkdirSync(join(dir, 'folder'));
  const synced = await SyncedFolder.open(t, device, join(dir, 'folder'));
  const clock = tickingClock();
  const { fs, stack } = device.gateway;
  const listeners: WatchListener[] = [];
  const watch: WatchFolder = (_, listener) => {
    listeners.push(listener);
    return { ready: Promise.resolve(), blind: undefined, close: () => undefined };
  };
  const agent = new FolderAgent({
    pair: { id: 'pair', folder: synced.folder, remote: '/Sync', node: (await device.stat('/Sync')).id },
    sync: synced.sync,
    watch,
    watchDrive: ({ changed }) => fs.watch(changed),
    parentOf: (node) => stack.catalog.get(node)?.parent,
    clock,
    onFault: (error) => t.fail(String(error)),
  });
  t.teardown(() => agent.stop());
  agent.start();
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await until(() => agent.state.doing === 'watching');
  return { device, synced, clock, until, changed: (name: string) => listeners.forEach((one) => one.changed('', name)) };
}

// The clock of these tests hardly moves: whoever waits for the next look at the folder waits for ever.
t.test('a change in the drive is brought here at once', async (t) => {
  const { device, synced, until } = await running(t);
  await device.write('/Sync/there', 'from the drive');
  await until(async () => '/Sync/there' in (await synced.tree()));
  t.same(await synced.tree(), { '/Sync/there': 'from the drive' });
});

t.test('a change here is sent as soon as the file is quiet', async (t) => {
  const { device, synced, until, changed, clock } = await running(t);
  writeFileSync(synced.path('here'), 'from the folder');
  changed('here');
  clock.pass(100);
  await until(async () => '/Sync/here' in (await device.tree()));
  t.same(await device.tree(), { '/Sync/here': 'from the folder' });
});
