import { Command } from 'commander';
import { resolve } from 'node:path';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { columns, shown, time } from '../format.ts';
import { follow } from './upload.ts';

interface AddOptions extends DataOptions {
  readonly name?: string;
}

export function backupCommand(cli: Cli): Command {
  return new Command('backup')
    .description('mirror folders of this computer into /Backup')
    .addCommand(addCommand(cli))
    .addCommand(runCommand(cli))
    .addCommand(listCommand(cli))
    .addCommand(removeCommand(cli))
    .addHelpText(
      'after',
      examples(
        ['fjord backup add ~/Documents', 'choose a folder'],
        ['fjord backup run', 'mirror all that were chosen'],
      ),
    );
}

function addCommand(cli: Cli): Command {
  return dataCommand('add')
    .description('choose a folder to mirror')
    .argument('<folder>', 'folder of this computer')
    .option('--name <set>', "name under /Backup/<device>; the folder's own by default")
    .action(async (folder: string, options: AddOptions) => {
      const body = { folder: resolve(folder), ...(options.name === undefined ? {} : { name: options.name }) };
      const set = await withGateway(cli, options, (gateway) => gateway.addBackup(body));
      cli.terminal.note(
        `${shown(set.folder)} will be mirrored as "${shown(set.name)}"; start with \`fjord backup run\``,
      );
    });
}

function runCommand(cli: Cli): Command {
  return dataCommand('run')
    .description('mirror now')
    .argument('[set]', 'one set; all by default')
    .option('--confirm', 'go on where a run has paused because most of the folder is gone')
    .action((set: string | undefined, options: DataOptions & { confirm?: true }) =>
      withGateway(cli, options, async (gateway) => {
        const names = set === undefined ? (await gateway.backups()).map(({ name }) => name) : [set];
        if (names.length === 0)
          cli.terminal.note('there is nothing to mirror yet; choose with `fjord backup add FOLDER`');
        for (const name of names)
          await follow(cli, `Mirroring ${shown(name)}`, 'mirrored', gateway.runBackup(name, options.confirm ?? false));
      }),
    );
}

function listCommand(cli: Cli): Command {
  return dataCommand('list')
    .description('list the folders that are mirrored')
    .option('--json', 'as JSON')
    .action(async (options: DataOptions & { json?: true }) => {
      const sets = await withGateway(cli, options, (gateway) => gateway.backups());
      if (options.json) return cli.terminal.print(JSON.stringify(sets, null, 2));
      const rows = sets.map(({ name, folder, finished }) => [
        shown(name),
        finished === undefined ? 'never run' : time(finished),
        shown(folder),
      ]);
      for (const row of columns(rows)) await cli.terminal.print(row);
    });
}

function removeCommand(cli: Cli): Command {
  return dataCommand('remove')
    .description('stop mirroring a folder; its mirror goes to the Trash, the folder itself stays as it is')
    .argument('<set>', 'name of the set')
    .action(async (name: string, options: DataOptions) => {
      await withGateway(cli, options, (gateway) => gateway.removeBackup(name));
    });
}
