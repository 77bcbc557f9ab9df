import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Systemd } from '../../src/daemon/service/systemd.ts';
import { systemTool } from '../../src/daemon/service/system-tool.ts';
import type { InstanceAccess } from '../../src/daemon/access-file.ts';
import { cli } from '../helpers/gateway-process.ts';
import { userSystemd } from '../helpers/systemd.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

t.test('systemd starts the drive, and again when it was killed', async (t) => {
  const dir = temporary(t);
  const env = await userSystemd(t, dir);
  const data = join(dir, 'data 100%');
  const scope = ['--user', '--data', data];
  const run = (...args: string[]) => cli(['service', ...args, ...scope], { env });

  t.match(await run('status'), { code: 3, stdout: /not installed/ });
  t.match(await run('remove'), { code: 4, stderr: /the service is not installed/ });
  t.match(await run('install'), { code: 2, stderr: /has no account yet.*--own-cloud/ });
  const printed = await run('install', '--own-cloud', '--no-fuse', '--port', '0', '--print');
  t.match(printed.stdout, /^ExecStart=.*"start" --data ".*data 100%%"|^ExecStart=.* start --data ".*data 100%%"/m);
  t.notOk(existsSync(join(env['XDG_CONFIG_HOME'] ?? '', 'systemd')), 'nothing was written');

  const installed = await run('install', '--own-cloud', '--no-fuse', '--port', '0');
  t.equal(installed.code, 0, installed.stderr);
  t.match(installed.stderr, /Fjord is running/);
  t.match(await run('status'), { code: 0, stdout: /starts +at (boot|login)\nrunning +yes/ });
  t.equal((await cli(['put', '-', '/Sync/a', '--data', data], { env, input: 'kept' })).code, 0);

  const { pid } = JSON.parse(readFileSync(join(data, 'access.json'), 'utf8')) as InstanceAccess;
  process.kill(pid, 'SIGKILL');
  for (let tries = 0; (await pidOf(data)) === pid && tries < 600; tries++) await sleep(100);
  let read = await cli(['cat', '/Sync/a', '--data', data], { env });
  for (let tries = 0; read.code !== 0 && tries < 100; tries++) {
    await sleep(200);
    read = await cli(['cat', '/Sync/a', '--data', data], { env });
  }
  t.equal(read.stdout, 'kept', 'it is back');

  t.match(await run('remove'), { code: 0, stderr: /removed/ });
  t.match(await run('status'), { code: 3, stdout: /not installed/ });
  t.match(await cli(['status', '--data', data], { env }), { code: 3 }, 'it was stopped');
});

t.test('every argument of a unit arrives as it was', async (t) => {
  const dir = temporary(t);
  const env = await userSystemd(t, dir);
  const output = join(dir, 'output');
  const odd = ['a b', '100%', '$HOME', '${HOME}', '"quoted"', 'back\\slash', "it's", 'line\nfeed', 'é', ';', ''];
  const systemd = new Systemd({
    name: 'fjord-test',
    scope: 'user',
    folder: join(env['XDG_CONFIG_HOME'] ?? '', 'systemd/user'),
    tool: systemTool({ ...process.env, ...env }, new AbortController().signal),
  });
  mkdirSync(join(dir, 'mount'));
  writeFileSync(join(dir, 'show'), '#!/bin/sh\nprintf "%s\\0" "$@" > "$OUTPUT"\nexec sleep 1000\n', { mode: 0o755 });
  const program = ['/usr/bin/env', `OUTPUT=${output}`, join(dir, 'show'), ...odd] as [string, ...string[]];
  await systemd.install({ name: 'fjord-test', description: 'shows 100% of it', program, mount: join(dir, 'mount') });
  for (let tries = 0; !existsSync(output) && tries < 300; tries++) await sleep(100);
  await sleep(100);
  t.strictSame(readFileSync(output, 'utf8').split('\0').slice(0, -1), odd, 'every argument arrives as it was');
  t.match(await systemd.state(), { installed: true, enabled: true, running: true });
  await systemd.remove();
  t.match(await systemd.state(), { installed: false, enabled: false, running: false });
});

async function pidOf(data: string): Promise<number | undefined> {
  try {
    return (JSON.parse(readFileSync(join(data, 'access.json'), 'utf8')) as InstanceAccess).pid;
  } catch {
    return undefined;
  }
}
