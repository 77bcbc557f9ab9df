import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { tryCommand } from './run-command.ts';

/** The environment in which `systemctl --user` uses a real systemd that belongs only to this test. Needs root. */
export async function userSystemd(t: Test, dir: string): Promise<Record<string, string>> {
  const [home, runtime] = [join(dir, 'home'), join(dir, 'run')];
  for (const folder of [home, runtime]) mkdirSync(folder, { mode: 0o700 });
  const env = { HOME: home, XDG_RUNTIME_DIR: runtime, XDG_CONFIG_HOME: join(home, '.config') };
  // systemd only runs if the computer appears to have been booted by systemd.
  const script = 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec /lib/systemd/systemd --user';
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', script];
  const child = spawn('unshare', args, { env: { ...process.env, ...env }, stdio: 'ignore', detached: true });
  t.teardown(async () => {
    await tryCommand('systemctl', ['--user', 'exit'], { env: { ...process.env, ...env } });
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  for (let tries = 0; tries < 300; tries++, await sleep(100)) {
    const { code } = await tryCommand('systemctl', ['--user', 'show'], { env: { ...process.env, ...env } });
    if (code === 0) return env;
  }
  throw new Error('systemd does not start');
}
