import { InvalidArgumentError, type Command } from 'commander';
import { parentChannel } from '../../agent/child-messages.ts';
import { SETTINGS, type Config } from '../../agent/config.ts';
import type { Amount } from '../../agent/control/wire.ts';
import { dataCommand, examples, settings, type Cli, type DataOptions } from '../cli.ts';
import { count, size } from '../format.ts';
import { mountHelp } from '../mount-help.ts';
import { StopRequests } from '../stop-requests.ts';

/** How long answers may still leave after the cache disk has failed, ms. */
const FAREWELL = 300;

export interface GatewayOptions extends DataOptions {
  readonly port?: number;
  readonly cloud?: string;
  readonly mount?: string;
  readonly webdavEngine?: Config['webdav.engine'];
}

export function upCommand(cli: Cli): Command {
  return withGatewayOptions(dataCommand('up'))
    .description('run the drive in this terminal, with the cloud that `fjord login` was given')
    .option('--cloud <url>', 'another address of the same cloud (setting cloud.url)')
    .addHelpText(
      'after',
      examples(['fjord login me@example.org --cloud https://…', 'once'], ['fjord up', 'until Ctrl-C']),
    )
    .action((options: GatewayOptions) => up(cli, options));
}

/** Options that `up` and `start` share. */
export function withGatewayOptions(command: Command): Command {
  return command
    .option('--port <n>', 'port of the WebDAV door (setting webdav.port)', parsePort)
    .option('--mount <dir>', 'mount the drive on a folder, too (setting fuse.mount; Linux)')
    .option('--webdav-engine <name>', 'fjord or webdav-server (setting webdav.engine)', parseEngine);
}

/** The settings that the options stand for. */
export function gatewayFlags({ port, cloud, mount, webdavEngine }: GatewayOptions): Partial<Config> {
  return {
    ...(port === undefined ? {} : { 'webdav.port': port }),
    ...(cloud === undefined ? {} : { 'cloud.url': cloud }),
    ...(mount === undefined ? {} : { 'fuse.mount': mount }),
    ...(webdavEngine === undefined ? {} : { 'webdav.engine': webdavEngine }),
  };
}

async function up(cli: Cli, options: GatewayOptions): Promise<void> {
  const config = settings(cli, options, gatewayFlags(options));
  const parent = parentChannel();
  const say = (text: string): void =>
    parent === undefined ? cli.terminal.note(text) : parent.tell({ type: 'say', text });
  const stops = new StopRequests(cli, parent, () => process.exit(130));
  // Not before it is needed: other commands start sooner without it.
  const { GatewayProcess } = await import('../../agent/gateway-process.ts');
  const gateway = await GatewayProcess.start({
    config,
    onMount: (dir) => parent?.tell({ type: 'mount', dir }),
    // The parent ends everything in order; without one this process is everything.
    leave: () => {
      if (parent === undefined) stops.request({ drain: false });
      else parent.tell({ type: 'down', drain: false });
      return parent === undefined ? process.pid : process.ppid;
    },
  });
  if (parent === undefined) await cli.terminal.print(mountHelp(gateway.access, gateway.mount));
  else parent.tell({ type: 'ready', port: gateway.port });
  void gateway.failed().then((failure) => {
    say(`the cache disk cannot be written (${failure.code}: ${failure.subject}); make room on it`);
    // What has just been refused is still answered.
    setTimeout(() => process.exit(1), FAREWELL);
  });
  const { drain } = await stops.first;
  if (drain) say('uploading what is queued; Ctrl-C again ends at once');
  say(farewellWords(await gateway.stop({ drain })));
}

function farewellWords({ files, bytes }: Amount): string {
  if (files === 0) return 'everything is in the cloud';
  return `${count(files, 'change')}, ${size(bytes)}, stay queued and go up at the next start`;
}

function parsePort(text: string): number {
  const port = SETTINGS['webdav.port'].read(text);
  if (port === undefined) throw new InvalidArgumentError(`it is ${SETTINGS['webdav.port'].expects}.`);
  return port;
}

function parseEngine(text: string): Config['webdav.engine'] {
  const engine = SETTINGS['webdav.engine'].read(text);
  if (engine === undefined) throw new InvalidArgumentError(`it is ${SETTINGS['webdav.engine'].expects}.`);
  return engine;
}
