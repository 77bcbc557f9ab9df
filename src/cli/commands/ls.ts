import type { Command } from 'commander';
import type { Listed } from '../../daemon/control/file-wire.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { mode, shown, size, time } from '../format.ts';
import type { Terminal } from '../terminal.ts';

interface LsOptions extends DataOptions {
  readonly long?: true;
  readonly recursive?: true;
  readonly json?: true;
}

const MEANINGS =
  'With -l, a file is online-only, partly-cached, cached, pinned (here, and stays), coming (pinned, and on its way), uploading, parked\n' +
  '(the cloud cannot take it; see `fjord issues`) or local (never uploaded).';

/** Width of the longest word for where a content is. */
const WHERE = 'partly-cached'.length;

export function lsCommand(cli: Cli): Command {
  return dataCommand('ls')
    .description('list a folder in the drive')
    .argument('[path]', 'folder or file', '/')
    .option('-l, --long', 'show mode, size, modification time and where the content is')
    .option('-R, --recursive', 'list everything below, with full paths')
    .option('--json', 'print one JSON object per line, with unescaped names')
    .addHelpText(
      'after',
      `\n${MEANINGS}\n${examples(['fjord ls -l /Sync', 'one folder'], ['fjord ls -lR /', 'the whole drive'])}`,
    )
    .action((path: string, options: LsOptions) => ls(cli, path, options));
}

async function ls(cli: Cli, path: string, options: LsOptions): Promise<void> {
  const recursive = options.recursive ?? false;
  await withGateway(cli, options, async (gateway) => {
    for await (const row of gateway.list({ path, recursive })) {
      await cli.terminal.print(options.json ? JSON.stringify(row) : line(cli.terminal, row, options));
    }
  });
}

function line(terminal: Terminal, row: Listed, { long, recursive }: LsOptions): string {
  const plain = shown(recursive ? row.path : row.name) + (row.kind === 'folder' ? '/' : '');
  const name = row.kind === 'folder' ? terminal.paint('blue', plain) : plain;
  if (!long) return name;
  const target = row.target === undefined ? '' : ` -> ${shown(row.target)}`;
  const bytes = row.kind === 'folder' ? '-' : size(row.size);
  const where = (row.availability ?? (row.pinned ? 'pinned' : '')).padEnd(WHERE);
  return `${mode(row.kind, row.mode)}  ${bytes.padStart(8)}  ${time(row.mtime)}  ${where}  ${name}${target}`;
}
