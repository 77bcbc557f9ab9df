import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { AccessFile } from '../../daemon/access-file.ts';
import { parentChannel } from '../../daemon/child-messages.ts';
import { exitCode } from '../exit.ts';
import { refuseSecond } from '../../daemon/running.ts';
import type { Amount } from '../../daemon/control/wire.ts';
import { dataDir } from '../../daemon/data-dir.ts';
import type { GatewayProcess } from '../../daemon/gateway-process.ts';
import { asProblem } from '../../daemon/problem.ts';
import { dataCommand, examples, settings, type Cli } from '../cli.ts';
import { count, size } from '../format.ts';
import { gatewayFlags, isOver, mountReport, withGatewayOptions, type GatewayOptions } from '../gateway-options.ts';
import { mountHelp } from '../mount-help.ts';
import { StopRequests } from '../stop-requests.ts';

/** How long the mount may take to go after that, ms. */
const LEAVE = 3000;
/** How long answers may still leave after the cache disk has failed, ms. */
const FAREWELL = 300;

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

async function up(cli: Cli, options: GatewayOptions): Promise<void> {
  const config = settings(cli, options, gatewayFlags(options));
  const parent = parentChannel();
  const say = (text: string): void =>
    parent === undefined ? cli.terminal.note(text) : parent.tell({ type: 'say', text });
  const stops = new StopRequests(cli, parent, () => process.exit(130));
  // Not before it is needed: other commands start sooner without it.
  const { GatewayProcess: Gateway } = await import('../../daemon/gateway-process.ts');
  // What runs already is not ended by a bad folder.
  if (parent === undefined) {
    // A mount must not be looked at before it is known that nobody serves it any more.
    await refuseSecond(dataDir(config['data.dir']));
    await (await import('../../daemon/mount-request.ts')).checkMountSetting(config);
  }
  const { access: file } = dataDir(config['data.dir']);
  const access = new AccessFile(file, (error) => say(`${file} cannot be written: ${asProblem(error).message}`));
  let running: GatewayProcess | undefined;
  const announce = (): void => {
    if (running === undefined) return;
    const { access: webdav, cloud, mount } = running;
    access.write({ pid: process.pid, webdav, cloud, gateway: { pid: process.pid }, mount: mountReport(mount).dir });
  };
  const gateway = await Gateway.start({
    config,
    onMount: (state) => {
      const report = mountReport(state);
      if (parent !== undefined) parent.tell({ type: 'mount', ...report });
      else announce();
      if (parent === undefined && options.untilUnmounted && isOver(report)) stops.request({ drain: true });
    },
    say,
    // The parent ends everything in order; without one this process is everything.
    leave: () => {
      if (parent === undefined) stops.request({ drain: false });
      else parent.tell({ type: 'down', drain: false });
      return parent === undefined ? process.pid : process.ppid;
    },
  });
  if (parent === undefined) {
    running = gateway;
    announce();
    await access.written();
    await cli.terminal.print(mountHelp(gateway.access, mountReport(gateway.mount)));
  } else parent.tell({ type: 'ready', port: gateway.port });
  void gateway.failed().then((failure) => {
    say(farewellAfter(failure));
    const code = exitCode(asProblem(failure).kind);
    // Another process would find the same.
    if (failure.code !== 'EIO') parent?.tell({ type: 'down', drain: false, code });
    // What has just been refused is still answered; a mount must not outlive who serves it.
    if (parent === undefined) void access.remove().catch(() => undefined);
    void Promise.race([gateway.leaveMount(), sleep(LEAVE)]).then(() => setTimeout(() => process.exit(code), FAREWELL));
  });
  const { drain } = await stops.first;
  if (drain) say('uploading what is queued; Ctrl-C again ends at once');
  const left = await gateway.stop({ drain });
  if (parent === undefined) await access.remove();
  say(farewellWords(left));
}

type Failure = Awaited<ReturnType<GatewayProcess['failed']>>;

/** What was wrong, and what to do. */
function farewellAfter({ code, subject, reason }: Failure): string {
  if (code === 'EROFS')
    return `${subject}: the disk of the cache is read-only; mount it writable, then start Fjord again`;
  if (code === 'ENOENT') return `${subject}: ${reason}; start Fjord again to begin with an empty cache`;
  return `${subject}: the disk of the cache cannot be written (${code}); look after it, then start Fjord again`;
}

function farewellWords({ files, bytes }: Amount): string {
  if (files === 0) return 'everything is in the cloud';
  return `${count(files, 'change')}, ${size(bytes)}, stay queued and go up at the next start`;
}
