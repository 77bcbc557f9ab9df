import type { Command } from 'commander';
import type { Freed, Pinned } from '../../daemon/control/wire.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { count, shown, size } from '../format.ts';

interface JsonOptions extends DataOptions {
  readonly json?: true;
}

/** `pin`, `unpin` and `free`: what of the drive is kept on this computer. */
export function pinCommands(cli: Cli): Command[] {
  return [pinCommand(cli), unpinCommand(cli), freeCommand(cli)];
}

function pinCommand(cli: Cli): Command {
  return dataCommand('pin')
    .description('keep the content of a file or folder on this computer; without a path, list what is kept')
    .argument('[path]', 'file or folder in /Sync or /Backup')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nThe content comes in the background, after what programs read and within the limits of `fjord limit`. What is new in a pinned\n' +
        `folder comes by itself. Pinned content is never evicted, and can be read and changed offline.\n${examples(
          ['fjord pin /Sync/Work', 'the folder and everything in it'],
          ['fjord unpin /Sync/Work/Videos', 'but this'],
          ['fjord pin', 'what is pinned, and what is still to come'],
        )}`,
    )
    .action((path: string | undefined, options: JsonOptions) =>
      withGateway(cli, options, async (gateway) => {
        const pinned = await (path === undefined ? gateway.pins() : gateway.pin({ path, pinned: true }));
        if (options.json) return cli.terminal.print(JSON.stringify(pinned, null, 2));
        if (path === undefined) for (const one of pinned.paths) await cli.terminal.print(shown(one));
        cli.terminal.note(pinWords(pinned));
      }),
    );
}

function unpinCommand(cli: Cli): Command {
  return dataCommand('unpin')
    .description('let content be evicted again when the cache needs room; `free` drops it now')
    .argument('<path>', 'file or folder that is pinned, or in a pinned folder')
    .action((path: string, options: DataOptions) =>
      withGateway(cli, options, async (gateway) => {
        cli.terminal.note(pinWords(await gateway.pin({ path, pinned: false })));
      }),
    );
}

function freeCommand(cli: Cli): Command {
  return dataCommand('free')
    .description('drop cached content from this disk; the cloud has it')
    .argument('<path>', 'file or folder in the drive')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nWhat is pinned, open, or not in the cloud yet stays.')
    .action((path: string, options: JsonOptions) =>
      withGateway(cli, options, async (gateway) => {
        const freed = await gateway.free(path);
        if (options.json) return cli.terminal.print(JSON.stringify(freed));
        cli.terminal.note(`freed ${size(freed.bytes)} of ${count(freed.files, 'file')}${stayed(freed)}`);
      }),
    );
}

function stayed({ pinned, unsent, open }: Freed): string {
  const reasons = [
    ...(pinned > 0 ? [`${count(pinned, 'file')} pinned`] : []),
    ...(unsent > 0 ? [`${count(unsent, 'file')} not in the cloud yet`] : []),
    ...(open > 0 ? [`${count(open, 'file')} open`] : []),
  ];
  return reasons.length === 0 ? '' : `; kept: ${reasons.join(', ')}`;
}

/** `12 files, 3.0 GiB, kept here; 2 files, 1.0 MiB, to come` */
export function pinWords({ files, bytes, missing, unfit, failed }: Pinned): string {
  if (files === 0) return 'nothing is kept here';
  const coming = { files: missing.files - unfit.files - failed.files, bytes: missing.bytes - unfit.bytes };
  return [
    `${count(files, 'file')}, ${size(bytes)}, kept here`,
    ...(coming.files > 0 ? [`${count(coming.files, 'file')}, ${size(coming.bytes)}, to come`] : []),
    ...(unfit.files > 0 ? [`${count(unfit.files, 'file')}, ${size(unfit.bytes)}, without room in the cache`] : []),
    ...(failed.files > 0 ? [`${count(failed.files, 'file')} could not be fetched`] : []),
  ].join('; ');
}
