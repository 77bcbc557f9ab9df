import { join } from 'node:path';
import { Cloud } from '../../lib/drive.ts';
import { FjordProcess, fjord, fjordVersion } from '../../lib/fjord-process.ts';
import { peakMemory } from '../../lib/process.ts';
import { writeFile } from 'node:fs/promises';
import type { Contestant } from '../contestant.ts';

/** `fjord backup run --wait` by a gateway without a mount, to a cloud in a process of its own. */
export const fjordBackup: Contestant = {
  id: 'fjord',
  name: 'Fjord',
  network: true,
  version: fjordVersion,
  start: async (dir, source) => {
    const stored = join(dir, 'cloud');
    const cloud = await Cloud.start(stored);
    const { url, email, password } = cloud.address;
    const [data, secret] = [join(dir, 'data'), join(dir, 'password')];
    await writeFile(secret, `${password}\n`, { mode: 0o600 });
    const login = ['login', email, '--cloud', url, '--device', 'bench', '--password-file', secret];
    await fjord({ dir: data, args: login });
    const gateway = await FjordProcess.start({ dir: data, args: ['up', '--port', '0', '--no-fuse'] });
    await gateway.access();
    await gateway.command('backup', 'add', source, '--name', 'all', '--schedule', 'manual');
    return {
      run: async () => void (await gateway.command('backup', 'run', '--wait', 'all')),
      restore: async (to) => {
        await gateway.command('restore', '/Backup/bench/all', '--to', to);
        return to;
      },
      stored,
      peak: () => peakMemory(gateway.pid),
      stop: async () => {
        await gateway.stop();
        await cloud.stop();
      },
    };
  },
};
