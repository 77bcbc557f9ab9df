import { join } from 'node:path';
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
