import { Command } from 'commander';
import { columns, count, shown, size, time } from '../format.ts';
import { cloudFolder, examples, settings, type Cli, type DataOptions } from '../cli.ts';
import { askPassword } from '../password.ts';
import type { Administered, Verify } from '../cloud-admin.ts';
import { serveCommand } from './cloud-serve.ts';
import { socketPath } from '../../daemon/data-dir.ts';
import { Problem } from '../../daemon/problem.ts';
import { SETTINGS } from '../../daemon/config.ts';

interface CloudOptions extends DataOptions {
  readonly database?: string;
}

interface ClockOptions extends CloudOptions {
  readonly confirm?: true;
}

interface VerifyOptions extends CloudOptions {
  readonly repair?: true;
}

interface UserOptions extends CloudOptions {
  readonly passwordFile?: string;
  readonly quota?: string;
  readonly json?: true;
}

export function cloudCommand(cli: Cli): Command {
  return new Command('cloud')
    .description('run a cloud and its accounts')
    .addCommand(serveCommand(cli))
    .addCommand(userCommand(cli))
    .addCommand(clockCommand(cli))
    .addCommand(verifyCommand(cli))
    .addHelpText(
      'after',
      examples(
        ['fjord cloud serve --data /srv/fjord --listen 127.0.0.1:4010', 'until Ctrl-C'],
        ['fjord cloud user add --data /srv/fjord me@example.org', 'prompts for the password'],
      ),
    );
}

function withOptions(command: Command): Command {
  return command
    .option('--data <dir>', "folder of the cloud's data")
    .option('--database <url>', 'as given to `fjord cloud serve`; needed if the cloud is not running')
    .option('--config <file>', 'settings file (TOML)');
}

function clockCommand(cli: Cli): Command {
  return withOptions(new Command('clock'))
    .description('show whether the cloud trusts the system clock; after a jump it purges nothing for a day')
    .option('--confirm', 'confirm that the clock is right, so that purging continues')
    .action((options: ClockOptions) => showClock(cli, options));
}

function verifyCommand(cli: Cli): Command {
  return withOptions(new Command('verify'))
    .description('read and verify all stored blocks, and name the files with damaged ones')
    .option(
      '--repair',
      'record damaged blocks, so that the next upload replaces them, and clear those that are intact again',
    )
    .action((options: VerifyOptions) => verify(cli, options));
}

function userCommand(cli: Cli): Command {
  const add = withOptions(new Command('add'))
    .description('create an account')
    .argument('<email>', 'e-mail address')
    .option('--password-file <file>', 'file with the password; - is standard input')
    .option('--quota <size>', 'storage limit, "500 GB" for example', '1 TiB')
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
  const removeCode = withOptions(new Command('remove-code'))
    .description('let an account in with its password alone, as its authenticator app is lost')
    .argument('<email>', 'e-mail address')
    .action((email: string, options: UserOptions) =>
      withCloud(cli, options, ({ accounts }) => accounts.removeSecondFactor(email)),
    );
  return new Command('user')
    .description('manage accounts, whether or not the cloud is running')
    .addCommand(add)
    .addCommand(list)
    .addCommand(passwd)
    .addCommand(removeCode);
}

async function addUser(cli: Cli, email: string, options: UserOptions): Promise<void> {
  const quota = SETTINGS['cache.size'].read(options.quota);
  if (quota === undefined) throw new Problem('usage', `--quota: ${SETTINGS['cache.size'].expects}`);
  const password = await askPassword(cli, `New password of ${email}: `, options.passwordFile);
  await withCloud(cli, options, ({ accounts }) => accounts.add(email, password, quota));
}

async function listUsers(cli: Cli, options: UserOptions): Promise<void> {
  const accounts = await withCloud(cli, options, ({ accounts: all }) => all.list());
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
  await withCloud(cli, options, ({ accounts }) => accounts.setPassword(email, password));
}

async function verify(cli: Cli, options: VerifyOptions): Promise<void> {
  let [checked, damaged] = [0, 0];
  await withCloud(cli, options, async (cloud) => {
    for await (const report of cloud.verify(options.repair === true, cli.signal)) {
      if ('file' in report) {
        const { account, space, path, version, blocks } = report.file;
        const row = [shown(account), shown(space), shown(path), version, count(blocks, 'damaged block')];
        await cli.terminal.print(row.join('  '));
      } else ({ checked, damaged } = report);
    }
  });
  cli.terminal.note(`${count(checked, 'block')} verified`);
  if (damaged > 0)
    throw new Problem(
      'damaged',
      `${count(damaged, 'block')} lost or damaged; \`--repair\` records them, so that the next upload replaces them`,
    );
}

async function showClock(cli: Cli, options: ClockOptions): Promise<void> {
  const state = await withCloud(cli, options, async ({ clock }) => {
    if (options.confirm) await clock.confirm();
    return await clock.state();
  });
  const { believed, doubted } = state;
  if (doubted === undefined) return cli.terminal.print(`the clock is trusted: ${time(believed)}`);
  await cli.terminal.print(`the clock has jumped from ${time(believed)} to ${time(doubted.time)}`);
  const hours = Math.floor(doubted.confirmed / 3_600_000);
  await cli.terminal.print(`nothing is purged until the cloud has run for 24 hours at the new time (${hours} so far),`);
  await cli.terminal.print('or until you confirm the time with `fjord cloud clock --confirm`');
}

/** Calls `run` with the cloud that runs on this data, or else with one that is started for this call. */
async function withCloud<T>(cli: Cli, options: CloudOptions, run: (cloud: Administered) => Promise<T>): Promise<T> {
  const { explain, runningCloud } = await import('../cloud-admin.ts');
  const config = settings(cli, options.config === undefined ? {} : { config: options.config });
  const data = cloudFolder(config, options.data);
  const running = await runningCloud(socketPath(data, 'admin'));
  if (running !== undefined) return run(running);
  const { startCloud } = await import('../../cloud/server/service.ts');
  const cloud = await startCloud({ data, database: options.database, host: '127.0.0.1', port: 0 });
  try {
    const clock = { state: async () => cloud.clock.state, confirm: async () => cloud.clock.confirm() };
    const verify: Verify = (repair, signal) => cloud.verify({ repair, signal });
    return await run({ accounts: cloud.accounts, clock, verify });
  } catch (error) {
    const { kind, message } = explain(error);
    throw new Problem(kind, message, { cause: error });
  } finally {
    await cloud.close();
  }
}
