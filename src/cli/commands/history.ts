import type { Command } from 'commander';
import { dataCommand, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { columns, size, time } from '../format.ts';
import { restoreCommand } from './restore.ts';

interface JsonOptions extends DataOptions {
  readonly json?: true;
}

/** `versions` and `restore`. */
export function historyCommands(cli: Cli): Command[] {
  return [versionsCommand(cli), restoreCommand(cli)];
}

function versionsCommand(cli: Cli): Command {
  return dataCommand('versions')
    .description('list the kept versions of a file, newest first')
    .argument('<path>', 'file in the drive')
    .option('--json', 'as JSON')
    .action((path: string, options: JsonOptions) => versions(cli, path, options));
}

async function versions(cli: Cli, path: string, options: JsonOptions): Promise<void> {
  const kept = await withGateway(cli, options, (gateway) => gateway.versions(path));
  if (options.json) return cli.terminal.print(JSON.stringify(kept, null, 2));
  const rows = kept.map(({ id, size: bytes, mtime, created, current }) => [
    time(mtime),
    size(bytes),
    `uploaded ${time(created)}`,
    id,
    current ? 'current' : '',
  ]);
  for (const row of columns(rows, [1])) await cli.terminal.print(row.trimEnd());
}
