import { setTimeout as sleep } from 'node:timers/promises';
import { SETTINGS, type Config } from '../daemon/config.ts';
import { dataDir, takeDataDir, type DataDir } from '../daemon/data-dir.ts';
import { checkMountSetting } from '../daemon/mount-request.ts';
import { choosePorts } from '../daemon/ports.ts';
import { readIfThere } from '../daemon/private-file.ts';
import { Problem } from '../daemon/problem.ts';
import {
  generatePassword,
  readAccount,
  readDevice,
  readPorts,
  webDavPassword,
  writeAccount,
  writeDevice,
  type AccountFile,
} from '../daemon/secrets.ts';
import { endRemains } from '../daemon/running.ts';
import { isListening, claim } from '../daemon/singleton-socket.ts';
import { Supervisor } from '../daemon/supervisor.ts';
import { settings, type Cli } from './cli.ts';
import { gatewayFlags, isOver, mountArgs, type GatewayOptions } from './gateway-options.ts';
import { mountHelp, type WebDavAccess } from './mount-help.ts';
import { ownProgram } from './own-program.ts';
import { StopRequests } from './stop-requests.ts';

/** E-mail address of the embedded cloud's first account. */
const FIRST_ACCOUNT = 'me@localhost';
/** How long the processes of a killed run may take to exit, ms. */
const TIMEOUT = 15_000;

/** Runs cloud and gateway until Ctrl-C, SIGTERM or `fjord down` stops them. */
export async function start(cli: Cli, options: GatewayOptions): Promise<void> {
  const config = settings(cli, options, gatewayFlags(options));
  const dir = dataDir(config['data.dir']);
  await takeDataDir(dir);
  const taken = 'Fjord is already running for this data folder; `fjord status` shows it, `fjord down` stops it';
  const sole = await claim(dir.startSocket, `${dir.root}: ${taken}`);
  try {
    await awaitLeftovers(dir, cli.signal);
    // The setting may name a folder inside the old mount, so it is checked only after that mount is gone.
    await checkMountSetting(config);
    await run(cli, options, config, dir);
  } finally {
    await sole.release();
  }
}

/** Waits for the processes of a killed run, which exit by themselves but need a moment. */
async function awaitLeftovers(dir: DataDir, signal: AbortSignal): Promise<void> {
  const { access, controlSocket, root } = dir;
  await endRemains(dir);
  const unclean = isOfTheDead(await readIfThere(access));
  for (
    const until = Date.now() + (unclean ? TIMEOUT : 0);
    await isListening(controlSocket);
    await sleep(100, undefined, { signal })
  ) {
    if (Date.now() < until) continue;
    throw new Problem(
      'conflict',
      `${root}: a gateway is already running for this data folder; \`fjord down\` stops it`,
    );
  }
}

/**
 * Whether this `access.json` was left behind by a process that no longer runs. Only then is there anything to wait for.
 */
function isOfTheDead(text: string | undefined): boolean {
  const pid = Number(/"pid": (\d+)/.exec(text ?? '')?.[1]);
  if (!Number.isSafeInteger(pid)) return text !== undefined;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function run(cli: Cli, options: GatewayOptions, config: Config, dir: DataDir): Promise<void> {
  const ports = await choosePorts(dir.ports, {
    host: config['webdav.host'],
    webdav: config['webdav.port'] === SETTINGS['webdav.port'].default ? options.port : config['webdav.port'],
    usual: SETTINGS['webdav.port'].default,
    timeout: (await readIfThere(dir.access)) === undefined ? 0 : TIMEOUT,
  });
  const account = await firstAccount(dir);
  const cloudUrl = `http://127.0.0.1:${ports.cloud}/`;
  const webdav = await webDavAccess(config, dir, ports.webdav);
  const say = (text: string): void => cli.terminal.note(text);
  cli.signal.throwIfAborted();
  const stops = new StopRequests(cli, undefined, () => {
    supervisor.kill();
    process.exit(130);
  });
  const supervisor = new Supervisor({
    dir,
    commands: commandsOf(dir, options, ports),
    mountArgs: mountArgs(options),
    access: { webdav, cloud: { url: cloudUrl, ...account } },
    prepare: () => ensureDevice(dir, cloudUrl, account, config['device.name']),
    say,
    onDown: (code) => {
      if (code !== undefined) process.exitCode = code;
      stops.request({ drain: false });
    },
    onMount: (report) => options.untilUnmounted && isOver(report) && stops.request({ drain: true }),
  });
  await attend(cli, supervisor, stops, async () => {
    const { page } = await readPorts(dir.ports);
    return mountHelp(webdav, {
      mount: supervisor.mount,
      page: page === undefined ? undefined : `http://127.0.0.1:${page}/`,
      web: { url: cloudUrl, ...account },
    });
  });
}

/** Starts, prints how to mount the drive, and waits for the end. */
async function attend(
  cli: Cli,
  supervisor: Supervisor,
  stops: StopRequests,
  help: () => Promise<string>,
): Promise<void> {
  const started = supervisor.start();
  const early = await Promise.race([started.then(() => undefined), stops.first]).catch(async (error: unknown) => {
    supervisor.kill();
    await supervisor.stop(false);
    throw error;
  });
  if (early === undefined) {
    await cli.terminal.print(await help());
    await cli.terminal.print('  Ctrl-C ends it.');
  }
  started.catch(() => undefined);
  const { drain } = await stops.first;
  if (drain && early === undefined) cli.terminal.note('uploading queued changes; press Ctrl-C again to stop at once');
  await supervisor.stop(drain);
}

/** The embedded cloud's account, created at the first start. */
async function firstAccount(dir: DataDir): Promise<AccountFile> {
  const kept = await readAccount(dir.account);
  const account = kept ?? { email: FIRST_ACCOUNT, password: generatePassword() };
  // The cloud reads this file and creates the account.
  if (kept === undefined) await writeAccount(dir.account, account);
  return account;
}

async function ensureDevice(dir: DataDir, url: string, account: AccountFile, deviceName: string): Promise<void> {
  if ((await readDevice(dir.device)) !== undefined) return;
  const { logIn } = await import('../daemon/login.ts');
  await writeDevice(dir.device, await logIn({ url, ...account, deviceName }));
}

async function webDavAccess(config: Config, dir: DataDir, port: number): Promise<WebDavAccess> {
  const scheme = config['webdav.tls_cert'] === '' ? 'http' : 'https';
  return {
    url: `${scheme}://${config['webdav.host']}:${port}/`,
    user: config['webdav.user'],
    password: await webDavPassword(dir.webdav),
  };
}

function commandsOf(
  dir: DataDir,
  options: GatewayOptions,
  ports: { readonly webdav: number; readonly cloud: number },
): { cloud: string[]; gateway: string[] } {
  const program = ownProgram();
  const url = `http://127.0.0.1:${ports.cloud}/`;
  const config = options.config === undefined ? [] : ['--config', options.config];
  const engine = options.webdavEngine === undefined ? [] : ['--webdav-engine', options.webdavEngine];
  const door = ['--port', String(ports.webdav), '--cloud', url];
  return {
    cloud: [
      ...program,
      'cloud',
      'serve',
      '--data',
      dir.cloud,
      '--listen',
      `127.0.0.1:${ports.cloud}`,
      '--account-file',
      dir.account,
    ],
    gateway: [...program, 'up', '--data', dir.root, ...door, ...config, ...engine],
  };
}
