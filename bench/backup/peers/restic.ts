import { join } from 'node:path';
import { freePort, output, serve, stop } from '../../lib/process.ts';
import { quote } from '../../lib/shell.ts';
import { Commands } from '../peak.ts';
import type { Contestant } from '../contestant.ts';

/** restic to `rclone serve restic`. It encrypts what it stores. */
export const restic: Contestant = {
  id: 'restic',
  name: 'restic',
  network: true,
  version: async () => /restic ([\d.]+)/.exec(await output('restic', ['version']))?.[1] ?? '?',
  start: async (dir, source) => {
    const stored = join(dir, 'repository');
    const address = `127.0.0.1:${await freePort()}`;
    const args = ['serve', 'restic', stored, '--addr', address, '--config', join(dir, 'none.conf'), '-q'];
    const server = await serve('rclone', args, `http://${address}/`);
    const commands = new Commands(dir);
    const cache = `--cache-dir ${quote(join(dir, 'cache'))}`;
    const run = (what: string, cwd = source) =>
      commands.run(`env RESTIC_PASSWORD=bench restic -q ${cache} -r rest:http://${address}/ ${what}`, cwd);
    await run('init');
    return {
      run: () => run('backup .'),
      restore: async (to) => {
        await run(`restore latest --target ${quote(to)}`);
        return to;
      },
      stored,
      peak: async () => commands.peak,
      stop: () => stop(server),
    };
  },
};
