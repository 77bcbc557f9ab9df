import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { SETTINGS, variable, type Config, type SettingKey } from '../../daemon/config.ts';
import { dataDir, takeDataDir, type DataDir } from '../../daemon/data-dir.ts';
import { readIfThere } from '../../daemon/private-file.ts';
import { Problem } from '../../daemon/problem.ts';
import { isListening } from '../../daemon/singleton-socket.ts';
import { serviceManager, serviceName } from '../../daemon/service/service-manager.ts';
import { runTool, systemTool } from '../../daemon/service/system-tool.ts';
import type { ServiceDefinition, ServiceManager, ServiceScope } from '../../daemon/service/service.ts';
import { dataCommand, examples, settings, type Cli, type DataOptions } from '../cli.ts';
import { shown } from '../format.ts';
import { gatewayFlags, mountArgs, withGatewayOptions, type GatewayOptions } from '../gateway-options.ts';
import { ownProgram } from '../own-program.ts';

/** How long a started service may take until its gateway listens, ms. */
const STARTING = 30_000;

interface ScopeOptions extends DataOptions {
  readonly system?: true;
  readonly user?: true;
}

interface InstallOptions extends GatewayOptions, ScopeOptions {
  readonly ownCloud?: true;
  readonly print?: true;
}

/**
 * The commands for Fjord as a service of the operating system, which is started at boot or login, and restarted if it
 * fails.
 */
export function serviceCommand(cli: Cli): Command {
  return new Command('service')
    .description('have the operating system start Fjord automatically, and restart it if it fails')
    .addCommand(installCommand(cli))
    .addCommand(statusCommand(cli))
    .addCommand(removeCommand(cli));
}

function installCommand(cli: Cli): Command {
  return withScope(withGatewayOptions(dataCommand('install')))
    .description('install the service for a data folder and start it; other options are those of `fjord up`')
    .option('--own-cloud', 'also run a cloud of your own, as `fjord start` does')
    .option('--print', 'only print the file that describes the service')
    .addHelpText(
      'after',
      examples(
        ['fjord service install', 'for you: starts at boot if the system supports that, otherwise at login'],
        ['sudo fjord service install --data /srv/fjord', 'for the computer: runs as the owner of /srv/fjord'],
      ),
    )
    .action((options: InstallOptions) => install(cli, options));
}

function statusCommand(cli: Cli): Command {
  return withScope(dataCommand('status'))
    .description('show whether the service is installed and running')
    .option('--json', 'as JSON')
    .action((options: ScopeOptions & { readonly json?: true }) => showStatus(cli, options));
}

function removeCommand(cli: Cli): Command {
  return withScope(dataCommand('remove'))
    .description('upload queued changes, stop the service and remove it; the data folder is kept')
    .action(async (options: ScopeOptions) => {
      const manager = await managerOf(cli, options, settings(cli, options));
      await manager.remove();
      cli.terminal.note(`removed ${shown(manager.file)}`);
    });
}

function withScope(command: Command): Command {
  return command
    .option('--system', 'a service of the computer; the default for root')
    .option('--user', 'a service of your own; the default for other users');
}

async function install(cli: Cli, options: InstallOptions): Promise<void> {
  const config = settings(cli, options, gatewayFlags(options));
  const dir = dataDir(config['data.dir']);
  const manager = await managerOf(cli, options, config);
  const definition = await define(cli, options, config, dir);
  if (options.print) return await cli.terminal.write(manager.describe(definition));
  warnOfVariables(cli);
  const { running } = await manager.state();
  if (!running && (await isListening(dir.controlSocket))) {
    throw new Problem('conflict', `${dir.root}: Fjord is already running; stop it with \`fjord down\` first`);
  }
  if (scopeOf(options) === 'user') await takeDataDir(dir);
  const notes = await manager.install(definition);
  cli.terminal.note(`installed ${shown(manager.file)}`);
  for (const note of notes) cli.terminal.note(note);
  await awaitGateway(cli, manager, dir);
  cli.terminal.note('Fjord is running; `fjord status` shows what it does');
}

async function managerOf(cli: Cli, options: ScopeOptions, config: Config): Promise<ServiceManager> {
  const { env, signal } = cli;
  const scope = scopeOf(options);
  return serviceManager({ platform: process.platform, scope, data: config['data.dir'], env: { ...env }, signal });
}

function scopeOf({ system, user }: ScopeOptions): ServiceScope {
  if (system && user) throw new Problem('usage', 'choose one of --system and --user');
  const administrator = process.getuid?.() === 0;
  if (system && process.getuid !== undefined && !administrator)
    throw new Problem('refused', 'only an administrator can install a service of the computer; run this with sudo');
  return system || (administrator && !user) ? 'system' : 'user';
}

async function define(cli: Cli, options: InstallOptions, config: Config, dir: DataDir): Promise<ServiceDefinition> {
  const ownCloud = options.ownCloud === true || (await readIfThere(dir.account)) !== undefined;
  if (!ownCloud && (await readIfThere(dir.device)) === undefined) {
    const how = 'use `fjord login EMAIL --cloud URL` first, or --own-cloud for a cloud of your own';
    throw new Problem('usage', `${dir.root} has no account yet; ${how}`);
  }
  // Imported only here, so that other commands start faster.
  const { wishOf } = await import('../../daemon/mount-request.ts');
  const mount = wishOf(config)?.dir;
  const user = scopeOf(options) === 'system' ? await ownerName(cli, dir.root) : undefined;
  return {
    name: serviceName(dir.root),
    description: `Fjord, the cloud as a drive (${dir.root})`,
    program: commandLine(ownCloud ? 'start' : 'up', options, dir),
    ...(mount === undefined ? {} : { mount }),
    ...(user === undefined ? {} : { user }),
  };
}

function commandLine(verb: 'start' | 'up', options: InstallOptions, dir: DataDir): [string, ...string[]] {
  const [executable, ...rest] = ownProgram();
  const args = [
    ...rest,
    verb,
    '--data',
    dir.root,
    ...(options.config === undefined ? [] : ['--config', resolve(options.config)]),
    ...(options.port === undefined ? [] : ['--port', String(options.port)]),
    ...(options.webdavEngine === undefined ? [] : ['--webdav-engine', options.webdavEngine]),
    ...mountArgs(options.mount === undefined ? options : { ...options, mount: resolve(options.mount) }),
  ];
  // The same settings as in the first line of `fjord.cts`.
  if (process.platform === 'linux')
    return ['/usr/bin/env', 'GLIBC_TUNABLES=glibc.malloc.hugetlb=1', executable, ...args];
  return [executable, ...args];
}

/** The owner of the data, by name; undefined for root, or if the system's files have no owner. */
async function ownerName({ env, signal }: Cli, path: string): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (process.getuid === undefined || stats === undefined || stats.uid === 0) return undefined;
  return (await runTool(systemTool({ ...env }, signal), 'id', '-nu', String(stats.uid))).trim();
}

/** Warns about settings in environment variables, which a service does not see. */
function warnOfVariables({ env, terminal }: Cli): void {
  const keys = Object.keys(SETTINGS) as SettingKey[];
  const set = keys.map(variable).filter((name) => (env[name] ?? '') !== '' && name !== variable('data.dir'));
  if (set.length === 0) return;
  terminal.note(
    `the service does not see ${set.join(', ')}; write these settings to the file that \`fjord config\` names`,
  );
}

async function awaitGateway(cli: Cli, manager: ServiceManager, dir: DataDir): Promise<void> {
  for (const until = Date.now() + STARTING; !(await isListening(dir.controlSocket)); await sleep(100)) {
    cli.signal.throwIfAborted();
    if (Date.now() < until) continue;
    const log = process.platform === 'linux' ? 'journalctl' : dir.log;
    throw new Problem('failure', `${manager.file}: the service is installed but has not started; ${log} may say why`);
  }
}

async function showStatus(cli: Cli, options: ScopeOptions & { readonly json?: true }): Promise<void> {
  const manager = await managerOf(cli, options, settings(cli, options));
  const state = await manager.state();
  const { terminal } = cli;
  if (options.json) await terminal.print(JSON.stringify({ ...state, file: manager.file }));
  else if (!state.installed) await terminal.print('not installed; `fjord service install` installs it');
  else {
    await terminal.print(`installed  ${shown(manager.file)}`);
    await terminal.print(`starts     ${state.enabled ? state.starts : 'only by hand'}`);
    await terminal.print(`running    ${state.running ? 'yes' : 'no'}`);
  }
  if (!state.running) process.exitCode = 3;
}
