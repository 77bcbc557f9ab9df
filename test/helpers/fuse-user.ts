/** Mounts a `MemoryFs` on the given folder as the current user, runs a script there, and unmounts. */
import { FuseMount } from '../../src/fuse/mount.ts';
import { MemoryFs } from './memory-fs.ts';
import { runScript } from './run-command.ts';

const [dir = '', script = ''] = process.argv.slice(2);
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: console.error };
const mount = await FuseMount.mount({ fs: new MemoryFs(), dir, name: 'a, name', log });
try {
  process.stdout.write(await runScript(`cd '${dir}'\n${script}`, '/', 20_000));
} finally {
  await mount.unmount({ lazy: true });
}
process.stdout.write(`${(await mount.closed).reason}\n`);
