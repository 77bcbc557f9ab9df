import type { Test } from 'tap';
import { tryCommand } from './run-command.ts';

/** Runs a bash script in a folder, and fails the test if the script fails. It ends even if the mount hangs. */
export async function shell(
  t: Test,
  cwd: string,
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, signal, out, errors } = await tryCommand('bash', ['-euo', 'pipefail', '-c', script], {
    cwd,
    timeout: 180_000,
    env: { ...process.env, GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C.UTF-8', ...env },
  });
  if (!t.equal(code ?? signal, 0, script.trim().split('\n')[0] ?? '')) t.comment(`${out}\n${errors}`);
  return out;
}

export async function isMounted(dir: string): Promise<boolean> {
  return (await tryCommand('mountpoint', ['-q', dir], { timeout: 20_000 })).code === 0;
}

/** Whether a dead mount is there. */
export async function isDead(dir: string): Promise<boolean> {
  const { errors } = await tryCommand('ls', [dir], { timeout: 20_000, env: { ...process.env, LC_ALL: 'C' } });
  return errors.includes('not connected');
}
