import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SyncedFolder } from '../../../src/daemon/control/wire.ts';
import { Cloud, Drive } from '../../lib/drive.ts';
import { fjordVersion } from '../../lib/fjord-process.ts';
import type { Contestant } from '../contestant.ts';

/** `Sync` of two mounted drives of one account, with the cloud between them. Contents are fetched when they are read. */
export const fjordDrive: Contestant = {
  id: 'fjord',
  name: 'Fjord, mounted drive',
  version: fjordVersion,
  start: async (dir) => {
    const cloud = await Cloud.start(join(dir, 'cloud'));
    const drives = [await Drive.join(join(dir, 'a'), cloud.address), await Drive.join(join(dir, 'b'), cloud.address)];
    const [here = '', there = ''] = drives.map(({ mount }) => join(mount, 'Sync'));
    return {
      here,
      there,
      stop: async () => {
        for (const drive of drives) await drive.stop();
        await cloud.stop();
      },
    };
  },
};

/** A plain folder on each of two computers of one account, kept alike with `Sync` by gateways without a mount. */
export const fjordFolder: Contestant = {
  id: 'folder',
  name: 'Fjord, plain folder',
  version: fjordVersion,
  start: async (dir) => {
    const cloud = await Cloud.start(join(dir, 'cloud'));
    const drives: Drive[] = [];
    const folders = [join(dir, 'a', 'folder'), join(dir, 'b', 'folder')];
    for (const [i, name] of ['a', 'b'].entries()) {
      const drive = await Drive.join(join(dir, name), cloud.address, false);
      drives.push(drive);
      await follow(drive, folders[i] ?? '');
    }
    const [here = '', there = ''] = folders;
    return {
      here,
      there,
      stop: async () => {
        for (const drive of drives) await drive.stop();
        await cloud.stop();
      },
    };
  },
};

/** Resolves when the folder is told of changes. */
async function follow(drive: Drive, folder: string): Promise<void> {
  await mkdir(folder);
  await drive.command('sync', 'add', folder);
  for (let tries = 0; tries < 200; tries++) {
    const [one] = JSON.parse(await drive.command('sync', 'list', '--json')) as SyncedFolder[];
    if (one?.state.doing === 'watching') return;
    await sleep(50);
  }
  throw new Error(`${folder} is not in sync in time`);
}
