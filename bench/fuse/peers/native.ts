import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { output } from '../../lib/process.ts';
import { writeBig } from '../../lib/big-file.ts';
import type { Contestant } from '../contestant.ts';

/** The file system on which all the others store their data. */
export const native: Contestant = {
  id: 'native',
  name: 'native ext4',
  version: async () => (await output('uname', ['-r'])).trim(),
  start: async (root) => {
    const dir = join(root, 'work');
    const archive = join(root, 'archive');
    await mkdir(dir);
    await mkdir(archive);
    return {
      dir,
      archive,
      restart: async () => undefined,
      supply: async (name, bytes) => {
        await writeBig(join(dir, name), bytes);
        return {};
      },
      memory: async () => NaN,
      stop: async () => undefined,
    };
  },
};
