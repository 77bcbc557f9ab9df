import type { Command } from 'commander';
import type { Progress as Report } from '../../daemon/control/wire.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { count, shown, time } from '../format.ts';
import { ProgressLine, summary } from '../progress-line.ts';

interface JsonOptions extends DataOptions {
  readonly json?: true;
}

/** The commands about changes that are not yet in the cloud: `flush`, `conflicts`, `retry` and `confirm`. */
export function uploadCommands(cli: Cli): Command[] {
  return [flushCommand(cli), conflictsCommand(cli), retryCommand(cli), confirmCommand(cli)];
}

function flushCommand(cli: Cli): Command {
  return dataCommand('flush')
    .description('wait until everything is in the cloud')
    .argument('[path]', 'file or folder in the drive', '/')
    .option('--json', 'print one JSON object per report: done, total, and in waits the reasons for waiting')
    .addHelpText('after', examples(['fjord put -r ~/Pictures /Archive && fjord flush /Archive', 'copy, then wait']))
    .action((path: string, options: JsonOptions) =>
      withGateway(cli, options, async (gateway) => {
        if (options.json)
          for await (const report of gateway.flush(path)) await cli.terminal.print(JSON.stringify(report));
        else await follow(cli, 'Uploading', 'uploaded', gateway.flush(path));
      }),
    );
}

/** Shows a stream of reports as progress and, at the end, a summary. */
export async function follow(cli: Cli, verb: string, done: string, reports: AsyncIterable<Report>): Promise<void> {
  const progress = new ProgressLine(cli.terminal, verb);
  const startedAt = Date.now();
  let last: Report | undefined;
  try {
    for await (const report of reports) progress.update((last = report));
  } finally {
    progress.clear();
  }
  if (last === undefined || last.total.files === 0) cli.terminal.note('there was nothing to do');
  else cli.terminal.note(`${done} ${summary(last.done, Date.now() - startedAt)}`);
}

function conflictsCommand(cli: Cli): Command {
  return dataCommand('conflicts')
    .description('list the conflict copies of files that were changed both here and elsewhere')
    .option('--json', 'as JSON')
    .action((options: JsonOptions) => conflicts(cli, options));
}

async function conflicts(cli: Cli, options: JsonOptions): Promise<void> {
  const all = await withGateway(cli, options, (gateway) => gateway.conflicts());
  if (options.json) return cli.terminal.print(JSON.stringify(all, null, 2));
  for (const { at, path, original } of all) {
    await cli.terminal.print(`${time(at)}  ${shown(path)}  (beside ${shown(original)})`);
  }
  if (all.length > 0)
    cli.terminal.note('Compare each copy with the file beside it, then delete the one that you do not need.');
}

function retryCommand(cli: Cli): Command {
  return dataCommand('retry')
    .description('retry the parked changes that `fjord status` lists')
    .action(async (options: DataOptions) => {
      const retried = await withGateway(cli, options, (gateway) => gateway.retry());
      cli.terminal.note(`retrying ${count(retried, 'change')}`);
    });
}

function confirmCommand(cli: Cli): Command {
  return dataCommand('confirm')
    .description('let a large removal made elsewhere, or in a folder that is backed up, go ahead')
    .addHelpText(
      'after',
      '\nWhen more than half of a folder, and more than 100 files, vanish elsewhere in one go, nothing is removed here\n' +
        'until a person says that it was meant. The same holds for a backup of which most files are gone or different.\n' +
        '`fjord status` shows what is held.',
    )
    .action(async (options: DataOptions) => {
      const confirmed = await withGateway(cli, options, (gateway) => gateway.confirm());
      cli.terminal.note(`confirmed ${count(confirmed, 'held change')}`);
    });
}
