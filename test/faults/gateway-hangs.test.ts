import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { lifeOf } from '../../src/daemon/process-life.ts';
import { readMounts } from '../../src/fuse/mount-table.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { cli } from '../helpers/gateway-process.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';

const skip = withoutFuse();
t.setTimeout(500_000);

async function isMounted(dir: string): Promise<boolean> {
  return (await readMounts()).some((mount) => mount.dir === dir);
}

t.test('every command ends if the gateway hangs, and `down` ends the gateway', { skip }, async (t) => {
  const { fjord, dir } = await startMounted(t);
  const mounts = await readMounts();
  t.match(
    mounts.find((mount) => mount.dir === dir),
    { type: 'fuse.fjord', source: fjord.data },
    'the source of the mount is the data folder',
  );
  process.kill(fjord.access.gateway.pid, 'SIGSTOP');
  const caller = spawn('mkdir', [join(dir, 'Sync/new')], { stdio: 'ignore' });
  const ended = once(caller, 'exit');
  const hangs = { code: 3, stderr: /does not respond; `fjord down` ends it/ };
  const [status, flush, ls] = await Promise.all([fjord.cli('status'), fjord.cli('flush'), fjord.cli('ls', '/Sync')]);
  for (const outcome of [status, flush, ls]) t.match(outcome, hangs);
  t.match(await cli(['start', '--data', fjord.data]), { code: 6, stderr: /already running/ });
  const down = await fjord.cli('down');
  t.match(down, { code: 0, stderr: /did not respond and was killed/ });
  await fjord.ended();
  await ended;
  t.equal(caller.exitCode, 1);
  t.notOk(await isMounted(dir));
  await fjord.start();
  t.equal(fjord.access.mount, dir);
});

t.test('so does `down` without a supervisor', { skip }, async (t) => {
  const { fjord, dir } = await startMounted(t);
  const { gateway } = fjord.access;
  process.kill(gateway.pid, 'SIGSTOP');
  process.kill(fjord.access.pid, 'SIGKILL');
  t.match(await cli(['up', '--data', fjord.data]), { code: 6, stderr: /already running/ });
  t.match(await fjord.cli('down'), { code: 0, stderr: /did not respond and was killed/ });
  t.notOk(await isMounted(dir));
  t.not(await lifeOf(gateway.pid), 'alive');
  await fjord.start();
  t.equal(fjord.access.mount, dir);
});
