import type { Command } from 'commander';
import type { Linked } from '../../daemon/control/wire.ts';
import { Problem } from '../../daemon/problem.ts';
import { parseDuration } from '../../daemon/setting.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { shown } from '../format.ts';
import { askPassword } from '../password.ts';

interface LinkOptions extends DataOptions {
  readonly expires?: string;
  readonly password?: true;
  readonly passwordFile?: string;
  readonly upload?: true;
}

interface ListOptions extends DataOptions {
  readonly json?: true;
}

/** Addresses that open files and folders to people without an account. */
export function linkCommands(cli: Cli): Command[] {
  return [linkCommand(cli), linksCommand(cli), unlinkCommand(cli)];
}

function linkCommand(cli: Cli): Command {
  return dataCommand('link')
    .description('make an address that opens a file or folder of /Sync without an account')
    .argument('<path>', 'file or folder in /Sync')
    .option('--expires <time>', 'when the link ends, from now: 12h, 7d')
    .option('--password', 'ask for a password, which the link then needs')
    .option('--password-file <file>', 'file with the password that the link needs; - is standard input')
    .option('--upload', 'a folder that takes files and shows nothing')
    .addHelpText(
      'after',
      examples(
        ['fjord link /Sync/photos --expires 7d', 'the folder as a page, and as a ZIP archive'],
        ['fjord link /Sync/inbox --upload', 'others send files into it'],
        ['fjord unlink /Sync/photos', 'ends its links'],
      ),
    )
    .action(async (path: string, { expires, password, passwordFile, upload, ...options }: LinkOptions) => {
      const body = {
        path,
        ...(upload === undefined ? {} : { upload }),
        ...(expires === undefined ? {} : { expires: endOf(expires) }),
        ...(password === undefined && passwordFile === undefined
          ? {}
          : { password: await askPassword(cli, 'Password of the link: ', passwordFile) }),
      };
      await withGateway(cli, options, async (gateway) => cli.terminal.print((await gateway.link(body)).url));
    });
}

/** The time after a duration from now, ms. */
function endOf(text: string): number {
  const duration = parseDuration(text);
  if (duration === undefined || duration <= 0)
    throw new Problem('usage', `${text} is not a duration; write for example 12h or 7d`);
  return Date.now() + duration;
}

function linksCommand(cli: Cli): Command {
  return dataCommand('links')
    .description('list public links, with those of others into folders that this account shares')
    .option('--json', 'as JSON')
    .action((options: ListOptions) =>
      withGateway(cli, options, async (gateway) => {
        const links = await gateway.links();
        if (options.json) return await cli.terminal.print(JSON.stringify(links));
        for (const link of links) await cli.terminal.print(lineOf(link));
      }),
    );
}

function lineOf({ url, path, name, upload, password, by, expires, active }: Linked): string {
  const notes = [
    ...(upload ? ['takes files'] : []),
    ...(password ? ['password'] : []),
    ...(expires === undefined ? [] : [`until ${new Date(expires).toISOString().slice(0, 16).replace('T', ' ')} UTC`]),
    `by ${by}`,
    ...(active ? [] : ['opens nothing at present']),
  ];
  return `${shown(path ?? name)}  ${url}  ${notes.join(', ')}`;
}

function unlinkCommand(cli: Cli): Command {
  return dataCommand('unlink')
    .description('end public links, at once; the file or folder stays')
    .argument('<link>', 'path, of which all links end, or the address or id of one')
    .action((link: string, options: DataOptions) =>
      withGateway(cli, options, async (gateway) => {
        const removed = await gateway.unlink({ link });
        cli.terminal.note(removed === 1 ? 'the link opens nothing any more' : `${removed} links open nothing any more`);
      }),
    );
}
