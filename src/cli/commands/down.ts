import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ControlClient } from '../../daemon/control/client.ts';
import type { Leaving } from '../../daemon/control/wire.ts';
import { Problem } from '../../daemon/problem.ts';
import { GatewayHangs } from '../../daemon/control/heartbeat.ts';
import { dataDir } from '../../daemon/data-dir.ts';
import { endHanging } from '../../daemon/end-hanging.ts';
import { dataCommand, examples, settings, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { count, size } from '../format.ts';
import { ProgressLine } from '../progress-line.ts';

interface DownOptions extends DataOptions {
  readonly flush: boolean;
}

/** How long the process may take to end after its farewell, ms. */
const PATIENCE = 60_000;

export function downCommand(cli: Cli): Command {
  return dataCommand('down')
    .description('upload what is queued, then end Fjord')
    .option('--no-flush', 'end at once; what is queued goes up at the next start')
    .addHelpText(
      'after',
      examples(['fjord down', 'wait for uploads, then end'], ['fjord down --no-flush', 'end at once']),
    )
    .action((options: DownOptions) => down(cli, options));
}

async function down(cli: Cli, options: DownOptions): Promise<void> {
  try {
    await downInOrder(cli, options);
  } catch (error) {
    if (!(error instanceof GatewayHangs)) throw error;
    await endHanging(dataDir(settings(cli, options)['data.dir']));
    cli.terminal.note('the gateway did not answer and was ended; what is queued goes up at the next start');
  }
}

async function downInOrder(cli: Cli, options: DownOptions): Promise<void> {
  const { leaving, queued } = await withGateway(cli, options, (gateway) => farewell(cli, gateway, options.flush));
  for (const until = Date.now() + PATIENCE; isAlive(leaving); await sleep(50)) {
    if (cli.signal.aborted) throw new Problem('interrupted', 'interrupted; Fjord goes on ending');
    if (Date.now() > until) throw new Problem('failure', `process ${leaving} does not end`);
  }
  if (queued.files > 0) {
    cli.terminal.note(
      `${count(queued.files, 'change')}, ${size(queued.bytes)}, stay queued and go up at the next start`,
    );
  }
}

async function farewell(cli: Cli, gateway: ControlClient, drain: boolean): Promise<Leaving> {
  const progress = new ProgressLine(cli.terminal, 'Uploading');
  try {
    for await (const report of gateway.down(drain)) {
      if ('leaving' in report) return report;
      progress.update(report);
    }
  } finally {
    progress.clear();
  }
  throw new Problem('failure', 'the gateway did not say that it ends');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
