import { Command } from 'commander';
import { dataCommand, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { askPassword } from '../password.ts';

interface RemoveOptions extends DataOptions {
  readonly passwordFile?: string;
}

export function archiveCommand(cli: Cli): Command {
  return new Command('archive')
    .description("changes to sealed files in /Archive, which need the account's password")
    .addCommand(
      dataCommand('rm')
        .description('move a file or folder with all its versions from /Archive to the Trash')
        .argument('<path>', 'file or folder in /Archive')
        .option('--password-file <file>', "file with the account's password; - is standard input")
        .action(async (path: string, options: RemoveOptions) => {
          const password = await askPassword(cli, 'Password of the account: ', options.passwordFile);
          await withGateway(cli, options, (gateway) => gateway.removeArchived({ path, password }));
        }),
    );
}
