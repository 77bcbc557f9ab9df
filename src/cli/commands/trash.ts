import { Command } from 'commander';
import type { ControlClient } from '../../daemon/control/client.ts';
import type { Trashed, TrashFilterBody } from '../../daemon/control/file-wire.ts';
import { Problem, asProblem } from '../../daemon/problem.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { count, shown, size, time } from '../format.ts';
import { parsePastTime } from '../past-time.ts';
import { askPassword } from '../password.ts';

interface FilterOptions extends DataOptions {
  readonly by?: string;
  readonly since?: string;
}

interface ListOptions extends FilterOptions {
  readonly json?: true;
}

interface PurgeOptions extends DataOptions {
  readonly all?: true;
  readonly passwordFile?: string;
}

export function trashCommand(cli: Cli): Command {
  return new Command('trash')
    .description('list, restore or purge deleted files; they are kept for 30 days')
    .addCommand(listCommand(cli), { isDefault: true })
    .addCommand(restoreCommand(cli))
    .addCommand(purgeCommand(cli))
    .addHelpText(
      'after',
      examples(
        ['fjord trash', 'list it'],
        ['fjord trash restore /letters/a.txt', 'restore to its old place'],
        ['fjord trash restore --by laptop --since 2h', 'everything that the computer has removed since then'],
        ['fjord trash list --by b@example.org', 'what a member of a shared folder has removed'],
        ['fjord trash purge --all', 'delete everything in it permanently'],
      ),
    );
}

function listCommand(cli: Cli): Command {
  return filtered(dataCommand('list').description('list the deleted files and folders'))
    .option('--json', 'print one JSON object per line')
    .action((options: ListOptions) =>
      withGateway(cli, options, async (gateway) => {
        const { by, since = 0 } = filterOf(options);
        for await (const item of gateway.trash()) {
          if (item.removed < since || (by !== undefined && item.by?.toLowerCase() !== by.toLowerCase())) continue;
          await cli.terminal.print(options.json ? JSON.stringify(item) : line(item));
        }
      }),
    );
}

function filtered(command: Command): Command {
  return command
    .option('--by <who>', 'only what this computer, or the person with this e-mail address, has removed')
    .option('--since <time>', 'only what was removed since then, such as 2h, yesterday or "2026-11-22 21:15"');
}

function filterOf({ by, since }: FilterOptions): TrashFilterBody {
  return {
    ...(by === undefined ? {} : { by }),
    ...(since === undefined ? {} : { since: parsePastTime(since, Date.now()) }),
  };
}

function line({ path, kind, size: bytes, removed, expires, node, by }: Trashed): string {
  const name = shown(path) + (kind === 'folder' ? '/' : '') + (by === undefined ? '' : `  by ${shown(by)}`);
  return `${time(removed)}  ${size(bytes).padStart(8)}  kept until ${time(expires).slice(0, 10)}  ${node}  ${name}`;
}

function restoreCommand(cli: Cli): Command {
  return filtered(dataCommand('restore').description('put something, or everything that someone has removed, back'))
    .argument('[item...]', 'id, or path as the list shows it')
    .action((items: string[], options: FilterOptions) =>
      withGateway(cli, options, async (gateway) => {
        const filter = filterOf(options);
        const isFiltered = Object.keys(filter).length > 0;
        if ((items.length === 0) !== isFiltered) throw new Problem('usage', 'name what to restore, or --by or --since');
        if (isFiltered) return await restoreRemoved(cli, gateway, filter);
        for (const node of await nodesOf(gateway, items)) await restore(gateway, node);
      }),
    );
}

/** A folder that is not in the Trash any more has come back with a file of it. */
async function restore(gateway: ControlClient, node: string): Promise<void> {
  try {
    await gateway.restoreTrash(node);
  } catch (error) {
    if (asProblem(error).kind !== 'not-found') throw error;
  }
}

async function restoreRemoved({ terminal }: Cli, gateway: ControlClient, filter: TrashFilterBody): Promise<void> {
  const { items, failures } = await gateway.restoreRemoved(filter);
  for (const { path, reason } of failures) terminal.note(`fjord: ${shown(path)}: ${reason}`);
  terminal.note(`restored ${count(items, 'item')}`);
  if (failures.length > 0) throw new Problem('failure', `${count(failures.length, 'item')} could not be restored`);
}

function purgeCommand(cli: Cli): Command {
  return dataCommand('purge')
    .description('delete permanently')
    .argument('[item...]', 'id, or path as the list shows it')
    .option('--all', 'everything that is in it')
    .option(
      '--password-file <file>',
      "file with the account's password, which what was in /Archive takes; - is standard input",
    )
    .action((items: string[], options: PurgeOptions) =>
      withGateway(cli, options, async (gateway) => {
        if ((items.length === 0) !== (options.all === true)) throw new Problem('usage', 'name what to purge, or --all');
        const nodes = options.all ? await allNodes(gateway) : await nodesOf(gateway, items);
        await purge(cli, gateway, nodes, options.passwordFile);
        cli.terminal.note(`permanently deleted ${count(nodes.length, 'item')}`);
      }),
    );
}

/** Purges, and asks for the password only once an item turns out to need it. */
async function purge(cli: Cli, gateway: ControlClient, nodes: readonly string[], file?: string): Promise<void> {
  let password: { readonly password?: string } = {};
  for (const node of nodes) {
    try {
      await gateway.purgeTrash({ node, ...password });
    } catch (error) {
      if (asProblem(error).kind !== 'refused' || password.password !== undefined) throw error;
      password = { password: await askPassword(cli, 'Password of the account: ', file) };
      await gateway.purgeTrash({ node, ...password });
    }
  }
}

async function allNodes(gateway: ControlClient): Promise<string[]> {
  const nodes: string[] = [];
  for await (const { node } of gateway.trash()) nodes.push(node);
  return nodes;
}

/** The node of each id or path. If several have the same path, the one removed last is taken. */
async function nodesOf(gateway: ControlClient, items: readonly string[]): Promise<string[]> {
  const newest = new Map<string, Trashed>();
  for await (const trashed of gateway.trash()) {
    for (const item of items) {
      if (item !== trashed.node && item !== trashed.path && item !== `${trashed.path}/`) continue;
      if ((newest.get(item)?.removed ?? -1) < trashed.removed) newest.set(item, trashed);
    }
  }
  return items.map((item) => {
    const found = newest.get(item);
    if (found === undefined) throw new Problem('not-found', `${item} is not in the Trash; \`fjord trash\` lists it`);
    return found.node;
  });
}
