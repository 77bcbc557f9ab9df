import { type Command, Option } from 'commander';
import type { Shared } from '../../daemon/control/wire.ts';
import { Problem } from '../../daemon/problem.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { shown } from '../format.ts';

interface ShareOptions extends DataOptions {
  readonly with: string;
  readonly role: 'editor' | 'viewer';
}

interface ListOptions extends DataOptions {
  readonly json?: true;
}

interface LeaveOptions extends DataOptions {
  readonly forAll?: boolean;
}

interface RevokeOptions extends DataOptions {
  readonly from?: string;
  readonly all?: true;
}

/** Folders of /Sync that several accounts have. */
export function shareCommands(cli: Cli): Command[] {
  return [
    shareCommand(cli),
    sharesCommand(cli),
    acceptCommand(cli),
    declineCommand(cli),
    leaveCommand(cli),
    revokeCommand(cli),
  ];
}

function shareCommand(cli: Cli): Command {
  return dataCommand('share')
    .description('share a folder of /Sync with another account, which is invited')
    .argument('<path>', 'folder in /Sync')
    .requiredOption('--with <email>', 'whom to share it with')
    .addOption(
      new Option('--role <role>', 'what they may do: an editor everything, a viewer only read')
        .choices(['editor', 'viewer'])
        .default('editor'),
    )
    .addHelpText(
      'after',
      examples(
        ['fjord share /Sync/Team --with b@example.org', 'they accept with `fjord accept Team`'],
        ['fjord share /Sync/Team --with b@example.org --role viewer', 'again, to change what they may do'],
      ),
    )
    .action((path: string, { with: email, role, ...options }: ShareOptions) =>
      withGateway(cli, options, async (gateway) => {
        await gateway.share({ path, email, role });
        cli.terminal.note(`${shown(path)} is shared with ${email} (${role}) once they accept`);
      }),
    );
}

function sharesCommand(cli: Cli): Command {
  return dataCommand('shares')
    .description('list shared folders and invitations')
    .option('--json', 'as JSON')
    .action((options: ListOptions) =>
      withGateway(cli, options, async (gateway) => {
        const shares = await gateway.shares();
        if (options.json) return await cli.terminal.print(JSON.stringify(shares));
        for (const share of shares) for (const line of linesOf(share)) await cli.terminal.print(line);
      }),
    );
}

function linesOf({ id, path, name, owner, role, accepted, members }: Shared): string[] {
  if (!accepted) {
    return [`${shown(name)}  invitation of ${owner} as ${role}; \`fjord accept ${shown(name)}\` or \`decline\`  ${id}`];
  }
  const others = members.map(({ email, role, accepted }) => `  ${email}  ${role}${accepted ? '' : ', invited'}`);
  return [`${shown(path ?? name)}  ${role}`, ...others];
}

function acceptCommand(cli: Cli): Command {
  return dataCommand('accept')
    .description('accept an invitation to a shared folder, which then appears in /Sync')
    .argument('<name>', 'name or id of the invitation, as `fjord shares` shows it')
    .action((share: string, options: DataOptions) =>
      withGateway(cli, options, async (gateway) => {
        const { path, name } = await gateway.acceptShare({ share });
        cli.terminal.note(`it is ${shown(path ?? name)} now; move and rename it as you like`);
      }),
    );
}

function declineCommand(cli: Cli): Command {
  return dataCommand('decline')
    .description('decline an invitation to a shared folder')
    .argument('<name>', 'name or id of the invitation, as `fjord shares` shows it')
    .action((share: string, options: DataOptions) =>
      withGateway(cli, options, (gateway) => gateway.declineShare({ share })),
    );
}

function leaveCommand(cli: Cli): Command {
  return dataCommand('leave')
    .description('leave a shared folder: it disappears here, and nothing in it is removed')
    .argument('<path>', 'shared folder')
    .option('--for-all', 'as its owner: stop sharing it, and move it to the Trash')
    .action((path: string, { forAll = false, ...options }: LeaveOptions) =>
      withGateway(cli, options, (gateway) => gateway.leaveShare({ path, forAll })),
    );
}

function revokeCommand(cli: Cli): Command {
  return dataCommand('revoke')
    .description('take a shared folder away from a member, or withdraw an invitation')
    .argument('<path>', 'folder that this account shares')
    .option('--from <email>', 'the member')
    .option('--all', 'stop sharing it: it stays as an ordinary folder of this account')
    .action((path: string, { from, all, ...options }: RevokeOptions) => {
      if ((from === undefined) === (all === undefined))
        throw new Problem('usage', 'name a member with --from, or --all');
      return withGateway(cli, options, (gateway) =>
        gateway.revokeShare({ path, ...(from === undefined ? {} : { email: from }) }),
      );
    });
}
