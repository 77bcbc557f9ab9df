import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parentChannel } from '../daemon/child-messages.ts';
import { socketPath } from '../daemon/data-dir.ts';
import { openLog } from '../daemon/log.ts';
import { makePrivateFolder } from '../daemon/private-file.ts';
import { Problem } from '../daemon/problem.ts';
import { readAccount } from '../daemon/secrets.ts';
import type { Cloud } from '../cloud/server/service.ts';
import { cloudFolder, settings, type Cli, type DataOptions } from './cli.ts';
import type { Accounts } from './cloud-admin.ts';
import { StopRequests } from './stop-requests.ts';

export interface ServeOptions extends DataOptions {
  readonly listen: string;
  readonly database?: string;
  readonly accountFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: true;
}

/** Folder of the built web app, the same relative to `dist/` and `src/`. Undefined if it has not been built. */
function builtWebApp(): string | undefined {
  const folder = join(import.meta.dirname, '../../dist/web');
  return existsSync(folder) ? folder : undefined;
}

/** Runs a cloud until a signal or its parent process stops it. */
export async function serve(cli: Cli, options: ServeOptions): Promise<void> {
  const config = settings(cli, options.config === undefined ? {} : { config: options.config });
  const data = cloudFolder(config, options.data);
  const parent = parentChannel();
  const stops = new StopRequests(cli, parent, () => process.exit(130));
  await makePrivateFolder(data);
  const logFile = openLog(resolve(data, 'log'), 'cloud', config['log.level']);
  const { log } = logFile;
  const { startCloud } = await import('../cloud/server/service.ts');
  const { SCRUB_PACE } = await import('../cloud/server/scrubber.ts');
  const { openAdmin } = await import('./cloud-admin.ts');
  const { database, listen } = options;
  const cloud = await startCloud({
    data,
    database,
    ...parseListen(listen),
    ...(await tlsOf(options)),
    web: builtWebApp(),
    log,
    scrub: { ...SCRUB_PACE, rate: config['cloud.verify_rate'] },
  });
  const admin = await openAdmin(socketPath(data, 'admin'), cloud);
  await ensureAccount(cloud.accounts, options.accountFile);
  log.info({ url: cloud.url, pid: process.pid }, 'the cloud serves');
  await announce(cli, cloud, parent !== undefined);
  parent?.tell({ type: 'ready', port: cloud.port });
  await stops.first;
  await admin.close();
  await cloud.close();
  log.info('the cloud ended');
  logFile.flush();
}

async function announce(cli: Cli, cloud: Cloud, isChild: boolean): Promise<void> {
  if (isChild) return;
  await cli.terminal.print(`serving ${cloud.url}/ until Ctrl-C; open the address in a browser for the web app`);
  const { length } = await cloud.accounts.list();
  if (length === 0) await cli.terminal.print('there is no account yet; create one with `fjord cloud user add EMAIL`');
}

async function ensureAccount(accounts: Accounts, file: string | undefined): Promise<void> {
  if (file === undefined) return;
  const account = await readAccount(file);
  if (account === undefined) throw new Problem('usage', `${file}: there is no such account file; check --account-file`);
  const known = (await accounts.list()).some(({ email }) => email === account.email);
  if (!known) await accounts.add(account.email, account.password);
}

function parseListen(listen: string): { host: string; port: number } {
  const match = /^(?:\[([\da-fA-F:.]+)\]|([^:]+)):(\d{1,5})$/.exec(listen);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new Problem('usage', `--listen ${listen}: it must be HOST:PORT, 127.0.0.1:4010 for example`);
  }
  return { host: match[1] ?? match[2] ?? '', port };
}

async function tlsOf({ tlsCert, tlsKey, insecure }: ServeOptions): Promise<object> {
  if (tlsCert === undefined && tlsKey === undefined) return insecure ? { insecure } : {};
  if (tlsCert === undefined || tlsKey === undefined)
    throw new Problem('usage', '--tls-cert and --tls-key must be given together');
  return { tls: { cert: await readFile(tlsCert), key: await readFile(tlsKey) } };
}
