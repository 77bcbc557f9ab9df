import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { lifeOf } from '../../src/daemon/process-life.ts';
import { davAsk } from '../helpers/dav-ask.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import type { Fjord } from '../helpers/gateway-process.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';
import { tryCommand } from '../helpers/run-command.ts';

/**
 * Number of rounds; `scripts/conformance` runs more. `test/fuse/stuck-notification.test.ts` has the deterministic case.
 */
const ROUNDS = Number(process.env['FJORD_KILL_ROUNDS'] ?? 3);

/** Threads that change and list one folder, whatever errors they get, until they are killed. */
const LOAD = `
import os, sys, threading, time
os.chdir('/')
def work(i):
    at, n = sys.argv[1], 0
    while True:
        n += 1
        try:
            name = f'{at}/{i}-{n % 7}'
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY)); os.rename(name, name + 'r'); os.mkdir(name + 'd')
            os.listdir(at); os.rmdir(name + 'd'); os.unlink(name + 'r')
        except OSError: time.sleep(0.02)
for i in range(6): threading.Thread(target=work, args=(i,)).start()
`;

/** Changes in the same folder of which the kernel must be notified. */
async function notify(fjord: Fjord, until: () => boolean): Promise<void> {
  for (let n = 0; !until(); n++) await davAsk(fjord, 'PUT', `Sync/load/dav-${n % 20}`, { body: 'x' }).catch(() => {});
}

t.setTimeout(ROUNDS * 120_000);
const what = `a gateway that is killed ${ROUNDS} times while it tells the kernel of changes leaves nothing that hangs`;
t.test(what, { skip: withoutFuse() }, async (t) => {
  const { fjord, dir } = await startMounted(t);
  const folder = join(dir, 'Sync/load');
  t.equal((await tryCommand('mkdir', [folder], { timeout: 30_000 })).code, 0);
  let stuck = 0;
  let slowest = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let over = false;
    const load = spawn('python3', ['-c', LOAD, folder], { stdio: 'ignore' });
    const telling = [1, 2, 3, 4].map(() => notify(fjord, () => over));
    await sleep(500 + (round % 10) * 70);
    const { pid } = fjord.access.gateway;
    process.kill(pid, 'SIGKILL');
    const killed = Date.now();
    await sleep(300);
    if ((await lifeOf(pid)) !== 'gone') stuck++;
    await fjord.gatewayBack();
    slowest = Math.max(slowest, Date.now() - killed);
    over = true;
    const ended = once(load, 'exit');
    load.kill('SIGKILL');
    await Promise.all([ended, ...telling]);
    const { code, errors } = await tryCommand('ls', [folder], { timeout: 30_000 });
    if (code !== 0) t.fail(`round ${round}: ${errors}`);
    const status = await fjord.cli('status');
    if (status.code !== 0) t.fail(`round ${round}: ${status.stderr}`);
    t.equal(fjord.access.mount, dir, `round ${round}: mounted again`);
  }
  t.comment(`${stuck} of ${ROUNDS} gateways were left as a thread in the kernel; back after ${slowest} ms at most`);
});
