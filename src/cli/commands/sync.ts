import { Command } from 'commander';
import { resolve } from 'node:path';
import type { ControlClient } from '../../daemon/control/client.ts';
import type { SyncedFolder } from '../../daemon/control/wire.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { columns, count, shown } from '../format.ts';

interface AddOptions extends DataOptions {
  readonly remote?: string;
  readonly exclude?: readonly string[];
  readonly only?: readonly string[];
}

export function syncCommand(cli: Cli): Command {
  const sync = new Command('sync')
    .description('keep a folder of this computer and a folder of /Sync alike, without a mount')
    .addHelpText(
      'after',
      examples(
        ['fjord sync add ~/Sync', 'all of /Sync, as ordinary files'],
        ['fjord sync add ~/Work --remote /Sync/work --exclude node_modules/', 'one folder, without what matches'],
      ),
    );
  sync.addCommand(add(cli)).addCommand(list(cli));
  sync.addCommand(
    one(cli, 'remove', 'stop syncing a folder; both sides keep what they have', (to, body) => to.removeFolder(body)),
  );
  sync.addCommand(one(cli, 'pause', 'stop syncing a folder until it is resumed', (to, body) => to.pauseFolder(body)));
  sync.addCommand(one(cli, 'resume', 'go on syncing a paused folder', (to, body) => to.resumeFolder(body)));
  return sync;
}

function add(cli: Cli): Command {
  return dataCommand('add')
    .description('sync a folder from now on; what both sides have is united, and nothing is removed')
    .argument('<folder>', 'folder of this computer')
    .option('--remote <path>', 'folder of the drive, made if there is none', '/Sync')
    .option('--exclude <pattern>', 'leave out what matches, as in .gitignore; may be repeated', collect)
    .option('--only <path>', 'of the folder, sync only this folder in it; may be repeated', collect)
    .addHelpText('after', '\nA file .fjordignore in the folder leaves out what matches its patterns, on all computers.')
    .action(async (folder: string, { remote, exclude, only, ...options }: AddOptions) => {
      const rules = {
        ...(remote && { remote }),
        ...(exclude && { exclude: [...exclude] }),
        ...(only && { only: [...only] }),
      };
      const body = { folder: resolve(folder), ...rules };
      const added = await withGateway(cli, options, (gateway) => gateway.addFolder(body));
      cli.terminal.note(`${shown(added.folder)} is synced with ${shown(added.remote)}`);
    });
}

function list(cli: Cli): Command {
  return dataCommand('list')
    .description('list the synced folders, and what they are doing')
    .option('--json', 'as JSON')
    .action(async (options: DataOptions & { json?: true }) => {
      const folders = await withGateway(cli, options, (gateway) => gateway.folders());
      if (options.json) return cli.terminal.print(JSON.stringify(folders, null, 2));
      const rows = folders.map((folder) => [shown(folder.folder), shown(folder.remote), folderWords(folder)]);
      for (const row of columns(rows)) await cli.terminal.print(row);
      for (const { folder, named } of folders) {
        for (const { path, reason } of named)
          await cli.terminal.print(`  ${shown(`${folder}/${path}`)}: ${shown(reason)}`);
      }
    });
}

function one(
  cli: Cli,
  name: string,
  description: string,
  act: (gateway: ControlClient, body: { folder: string }) => Promise<void>,
): Command {
  return dataCommand(name)
    .description(description)
    .argument('<folder>', 'folder of this computer')
    .action((folder: string, options: DataOptions) =>
      withGateway(cli, options, (gateway) => act(gateway, { folder: resolve(folder) })),
    );
}

function collect(one: string, before: readonly string[] = []): string[] {
  return [...before, one];
}

/** What a synced folder does, in a few words. */
export function folderWords({ state, problems }: SyncedFolder): string {
  const rest =
    problems === 0
      ? ''
      : `; ${count(problems, 'file or folder', 'files or folders')} cannot be synced (\`fjord sync list\`)`;
  return stateWords(state) + rest;
}

/** Whether a person should look at it. */
export function isFolderConcern({ state, problems }: SyncedFolder): boolean {
  return state.doing === 'halted' || state.doing === 'failing' || problems > 0;
}

function stateWords(state: SyncedFolder['state']): string {
  if (state.doing === 'syncing') return 'syncing';
  if (state.doing === 'paused') return 'paused';
  if (state.doing === 'offline') return 'waits for the cloud to fetch content';
  if (state.doing === 'failing') return `failed: ${shown(state.reason)}; it is tried again`;
  if (state.doing === 'halted') {
    return `waits: ${shown(state.reason)}${state.ends === 'itself' ? '; it goes on when that is over' : ''}`;
  }
  const scanning = 'scanning' in state ? state.scanning : undefined;
  return scanning === undefined ? 'in sync' : `in sync; compared from time to time, as ${shown(scanning)}`;
}
