import { Command } from 'commander';
import { columns, shown, size, time } from '../format.ts';
import { cloudFolder, examples, settings, type Cli, type DataOptions } from '../cli.ts';
import { askPassword } from '../password.ts';
import type { Accounts } from '../cloud-admin.ts';
import { serveCommand } from './cloud-serve.ts';
import { socketPath } from '../../daemon/data-dir.ts';
import { Problem } from '../../daemon/problem.ts';
import { SETTINGS } from '../../daemon/config.ts';

interface UserOptions extends DataOptions {
  readonly passwordFile?: string;
  readonly database?: string;
  readonly quota?: string;
  readonly json?: true;
}

export function cloudCommand(cli: Cli): Command {
  return new Command('cloud')
    .description('run a cloud and its accounts')
    .addCommand(serveCommand(cli))
    .addCommand(userCommand(cli))
    .addHelpText(
      'after',
      examples(
        ['fjord cloud serve --data /srv/fjord --listen 127.0.0.1:4010', 'until Ctrl-C'],
        ['fjord cloud user add --data /srv/fjord me@example.org', 'asks for the password'],
      ),
    );
}

function userCommand(cli: Cli): Command {
  const withOptions = (command: Command): Command =>
    command
      .option('--data <dir>', "folder of the cloud's data")
      .option('--database <url>', 'as of `fjord cloud serve`; needed while it does not run')
      .option('--config <file>', 'settings file (TOML)');
  const add = withOptions(new Command('add'))
    .description('make an account')
    .argument('<email>', 'e-mail address')
    .option('--password-file <file>', 'file with the password; - is standard input')
    .option('--quota <size>', 'what it may store, "500 GB" for example', '1 TiB')
    .action((email: string, options: UserOptions) => addUser(cli, email, options));
  const list = withOptions(new Command('list'))
    .description('list the accounts')
    .option('--json', 'as JSON')
    .action((options: UserOptions) => listUsers(cli, options));
  const passwd = withOptions(new Command('passwd'))
    .description('set the password of an account')
    .argument('<email>', 'e-mail address')
    .option('--password-file <file>', 'file with the password; - is standard input')
    .action((email: string, options: UserOptions) => setPassword(cli, email, options));
  return new Command('user')
    .description('accounts of the cloud, whether it runs or not')
    .addCommand(add)
    .addCommand(list)
    .addCommand(passwd);
}

async function addUser(cli: Cli, email: string, options: UserOptions): Promise<void> {
  const quota = SETTINGS['cache.size'].read(options.quota);
  if (quota === undefined) throw new Problem('usage', `--quota: ${SETTINGS['cache.size'].expects}`);
  const password = await askPassword(cli, `New password of ${email}: `, options.passwordFile);
  await withAccounts(cli, options, (accounts) => accounts.add(email, password, quota));
}

async function listUsers(cli: Cli, options: UserOptions): Promise<void> {
  const accounts = await withAccounts(cli, options, (all) => all.list());
  if (options.json) return cli.terminal.print(JSON.stringify(accounts, null, 2));
  const rows = accounts.map(({ email, used, quota, created }) => [
    shown(email),
    `${size(used)} of ${size(quota)}`,
    `since ${time(created).slice(0, 10)}`,
  ]);
  for (const row of columns(rows)) await cli.terminal.print(row);
}

async function setPassword(cli: Cli, email: string, options: UserOptions): Promise<void> {
  const password = await askPassword(cli, `New password of ${email}: `, options.passwordFile);
  await withAccounts(cli, options, (accounts) => accounts.setPassword(email, password));
}

/** Asks the cloud that runs on the data, or opens the data for the moment. */
async function withAccounts<T>(cli: Cli, options: UserOptions, run: (accounts: Accounts) => Promise<T>): Promise<T> {
  const { explain, runningAccounts } = await import('../cloud-admin.ts');
  const config = settings(cli, options.config === undefined ? {} : { config: options.config });
  const data = cloudFolder(config, options.data);
  const running = await runningAccounts(socketPath(data, 'admin'));
  if (running !== undefined) return run(running);
  const { startCloud } = await import('../../cloud/server/service.ts');
  const cloud = await startCloud({ data, database: options.database, host: '127.0.0.1', port: 0 });
  try {
    return await run(cloud.accounts);
  } catch (error) {
    const { kind, message } = explain(error);
    throw new Problem(kind, message, { cause: error });
  } finally {
    await cloud.close();
  }
}
