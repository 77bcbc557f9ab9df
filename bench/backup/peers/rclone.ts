import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, output, serve, stop } from '../../lib/process.ts';
import { quote } from '../../lib/shell.ts';
import { Commands } from '../peak.ts';
import type { Contestant } from '../contestant.ts';

/** `rclone sync` to `rclone serve webdav`, which keeps no times: a change that leaves the size goes unnoticed. */
export const rclone: Contestant = {
  id: 'rclone',
  name: 'rclone sync',
  network: true,
  version: async () => /v([\d.]+)/.exec(await output('rclone', ['version']))?.[1] ?? '?',
  start: async (dir, source) => {
    const stored = join(dir, 'copy');
    await mkdir(stored);
    const address = `127.0.0.1:${await freePort()}`;
    const config = join(dir, 'none.conf');
    const url = `http://${address}/`;
    const server = await serve('rclone', ['serve', 'webdav', stored, '--addr', address, '--config', config, '-q'], url);
    const commands = new Commands(dir);
    const remote = `--webdav-url ${url} --config ${quote(config)} -q`;
    return {
      run: () => commands.run(`rclone sync ${remote} ${quote(source)} :webdav:`),
      restore: async (to) => {
        await commands.run(`rclone copy ${remote} :webdav: ${quote(to)}`);
        return to;
      },
      stored,
      peak: async () => commands.peak,
      stop: () => stop(server),
    };
  },
};
