import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { startTestCloud, type TestCloud } from './cloud.ts';
import type { FaultyProxy } from './faulty-proxy.ts';
import { startFaultyProxy } from './faulty-proxy.ts';
import { cli, program, type CliOptions, type Outcome } from './gateway-process.ts';
import { temporary } from './temporary.ts';

export interface GatewayBehind {
  readonly cloud: TestCloud;
  /** Counts what passes between the gateway and the cloud. */
  readonly proxy: FaultyProxy;
  readonly data: string;
  readonly pid: number;
  cli(...args: string[]): Promise<Outcome>;
  cliWith(options: CliOptions, ...args: string[]): Promise<Outcome>;
}

/** A gateway in a process of its own that reaches its cloud through a proxy. It ends with the test. */
export async function gatewayBehind(t: Test, env: Readonly<Record<string, string>> = {}): Promise<GatewayBehind> {
  const cloud = await startTestCloud(t);
  const proxy = await startFaultyProxy(cloud.url);
  t.teardown(() => proxy.stop());
  const data = temporary(t);
  const cliWith = (options: CliOptions, ...args: string[]): Promise<Outcome> =>
    cli(args, { ...options, env: { FJORD_DATA_DIR: data, ...env, ...options.env } });
  const login = await cliWith(
    { input: cloud.password },
    'login',
    cloud.email,
    '--cloud',
    proxy.url,
    '--password-file',
    '-',
  );
  if (login.code !== 0) throw new Error(login.stderr);
  const child = spawn(process.execPath, [...program, 'up', '--data', data, '--port', '0', '--no-fuse'], {
    env: { ...process.env, FJORD_CONFIG: new URL('empty.toml', import.meta.url).pathname, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  for (const until = Date.now() + 60_000; (await cliWith({}, 'status')).code === 3; await sleep(200)) {
    if (Date.now() > until || child.exitCode !== null) throw new Error('the gateway does not serve');
  }
  return { cloud, proxy, data, pid: child.pid ?? 0, cliWith, cli: (...args) => cliWith({}, ...args) };
}
