import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentChannel } from '../../daemon/child-messages.ts';
import { exitCode } from '../exit.ts';
import type { Amount } from '../../daemon/control/wire.ts';
import { dataDir } from '../../daemon/data-dir.ts';
import type { GatewayProcess } from '../../daemon/gateway-process.ts';
import { asProblem } from '../../daemon/problem.ts';
import { dataCommand, examples, settings, type Cli } from '../cli.ts';
import { count, size } from '../format.ts';
import { gatewayFlags, isOver, mountReport, withGatewayOptions, type GatewayOptions } from '../gateway-options.ts';
import { mountHelp } from '../mount-help.ts';
import { StopRequests } from '../stop-requests.ts';

/** How long unmounting may take after that, ms. */
const LEAVE = 3000;
/** How long responses may still be sent after the cache disk has failed, ms. */
const FAREWELL = 300;
/** Ms after which a process that has closed everything ends, whatever waits in it. */
const LAST = 5000;

export function upCommand(cli: Cli): Command {
  return withGatewayOptions(dataCommand('up'))
    .description('run the drive in this terminal, with the cloud given to `fjord login`')
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
  // Imported only here, so that other commands start faster.
  const { GatewayProcess: Gateway } = await import('../../daemon/gateway-process.ts');
  // Under a parent this was checked before: a wrong folder must not end a gateway that is already running.
  if (parent === undefined) {
    // Touching a mount whose process hangs would block, so first make sure that no other gateway serves this data.
    await (await import('../../daemon/running.ts')).refuseSecond(dataDir(config['data.dir']));
    await (await import('../../daemon/mount-request.ts')).checkMountSetting(config);
  }
  const { access: file } = dataDir(config['data.dir']);
  const { AccessFile } = await import('../../daemon/access-file.ts');
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
    // A parent stops all processes in order; without a parent there is only this process.
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
    await cli.terminal.print(mountHelp(gateway.access, { mount: mountReport(gateway.mount), page: gateway.page }));
  } else parent.tell({ type: 'ready', port: gateway.port });
  void gateway.failed().then((failure) => {
    say(farewellAfter(failure));
    const code = exitCode(asProblem(failure).kind);
    // Only after EIO may a restart help; with any other code a new process would fail in the same way.
    if (failure.code !== 'EIO') parent?.tell({ type: 'down', drain: false, code });
    // Responses to the operations that have just failed are still sent; the mount must not outlive the process that
    // serves it.
    if (parent === undefined) void access.remove().catch(() => undefined);
    void Promise.race([gateway.leaveMount(), sleep(LEAVE)]).then(() => setTimeout(() => process.exit(code), FAREWELL));
  });
  const { drain } = await stops.first;
  if (drain) say('uploading queued changes; press Ctrl-C again to stop at once');
  const left = await gateway.stop({ drain });
  if (parent === undefined) await access.remove();
  say(farewellWords(left));
  // A thread that waits for a disk that hangs cannot be ended, and would keep this process: all else is closed by now.
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST).unref();
}

type Failure = Awaited<ReturnType<GatewayProcess['failed']>>;

/** What went wrong and what to do, for the terminal. */
function farewellAfter({ code, subject, reason }: Failure): string {
  if (code === 'EROFS') return `${subject}: the cache disk is read-only; mount it writable, then start Fjord again`;
  if (code === 'ENOENT') return `${subject}: ${reason}; start Fjord again to begin with an empty cache`;
  return `${subject}: the cache disk cannot be written (${code}); repair it, then start Fjord again`;
}

function farewellWords({ files, bytes }: Amount): string {
  if (files === 0) return 'everything is in the cloud';
  return `${count(files, 'change')}, ${size(bytes)}, still queued; they are uploaded after the next start`;
}
