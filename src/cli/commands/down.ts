import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ControlClient } from '../../daemon/control/client.ts';
import type { Leaving } from '../../daemon/control/wire.ts';
import { Problem } from '../../daemon/problem.ts';
import { GatewayHangs } from '../../daemon/control/heartbeat.ts';
import { dataDir } from '../../daemon/data-dir.ts';
import { lifeOf } from '../../daemon/process-life.ts';
import { dataCommand, examples, settings, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { count, size } from '../format.ts';
import { ProgressLine } from '../progress-line.ts';

interface DownOptions extends DataOptions {
  readonly flush: boolean;
}

/** How long the process may take to exit after it has announced that it will, ms. */
const TIMEOUT = 60_000;

export function downCommand(cli: Cli): Command {
  return dataCommand('down')
    .description('upload queued changes, then stop Fjord')
    .option('--no-flush', 'stop at once; queued changes are uploaded after the next start')
    .addHelpText(
      'after',
      examples(['fjord down', 'wait for uploads, then stop'], ['fjord down --no-flush', 'stop at once']),
    )
    .action((options: DownOptions) => down(cli, options));
}

async function down(cli: Cli, options: DownOptions): Promise<void> {
  try {
    await downInOrder(cli, options);
  } catch (error) {
    if (!(error instanceof GatewayHangs)) throw error;
    const { endHanging } = await import('../../daemon/end-hanging.ts');
    await endHanging(dataDir(settings(cli, options)['data.dir']));
    cli.terminal.note('the gateway did not respond and was killed; queued changes are uploaded after the next start');
  }
}

async function downInOrder(cli: Cli, options: DownOptions): Promise<void> {
  const { leaving, queued } = await withGateway(cli, options, (gateway) => farewell(cli, gateway, options.flush));
  for (const until = Date.now() + TIMEOUT; (await lifeOf(leaving)) === 'alive'; await sleep(50)) {
    if (cli.signal.aborted) throw new Problem('interrupted', 'interrupted; Fjord is still stopping in the background');
    if (Date.now() > until)
      throw new Problem(
        'failure',
        `process ${leaving} has not exited after a minute; end it with \`kill -9 ${leaving}\`, nothing that is queued is lost`,
      );
  }
  if (queued.files > 0) {
    cli.terminal.note(
      `${count(queued.files, 'change')}, ${size(queued.bytes)}, still queued; they are uploaded after the next start`,
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
  throw new Problem(
    'failure',
    'the gateway closed the connection without confirming that it stops; run `fjord down` again',
  );
}
