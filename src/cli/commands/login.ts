import type { Command } from 'commander';
import { dataDir, takeDataDir } from '../../daemon/data-dir.ts';
import { Problem } from '../../daemon/problem.ts';
import { isListening } from '../../daemon/singleton-socket.ts';
import { dataCommand, examples, settings, type Cli, type DataOptions } from '../cli.ts';
import { askCode, askPassword } from '../password.ts';

interface LoginOptions extends DataOptions {
  readonly cloud?: string;
  readonly passwordFile?: string;
  readonly code?: string;
  readonly device?: string;
}

export function loginCommand(cli: Cli): Command {
  return dataCommand('login')
    .description('register this computer as a device of an account')
    .argument('<email>', 'e-mail address of the account')
    .option('--cloud <url>', 'address of the cloud (setting cloud.url)')
    .option('--device <name>', "this computer's name in the account (default: its host name)")
    .option('--password-file <file>', 'file with the password; - is standard input')
    .option('--code <code>', 'of the authenticator app, if the account needs one (default: asked for at the terminal)')
    .addHelpText(
      'after',
      examples(['fjord login me@example.org --cloud https://cloud.example.org', 'prompts for the password']),
    )
    .action((email: string, options: LoginOptions) => login(cli, email, options));
}

async function login(cli: Cli, email: string, options: LoginOptions): Promise<void> {
  const config = settings(cli, options);
  const dir = dataDir(config['data.dir']);
  const url = options.cloud ?? config['cloud.url'];
  if (url === '') throw new Problem('usage', 'no cloud is set; name one with --cloud URL');
  if (await isListening(dir.controlSocket))
    throw new Problem(
      'conflict',
      'Fjord is running; stop it with `fjord down --no-flush` first (queued changes are kept)',
    );
  await takeDataDir(dir);
  const { readDevice, writeDevice } = await import('../../daemon/secrets.ts');
  const known = await readDevice(dir.device);
  if (known !== undefined && known.email !== email) {
    throw new Problem('conflict', `${dir.root} belongs to ${known.email}; choose another folder with --data`);
  }
  const password = await askPassword(cli, `Password of ${email}: `, options.passwordFile);
  const deviceName = options.device ?? config['device.name'];
  const { logIn } = await import('../../daemon/login.ts');
  const { code } = options;
  const request = { url, email, password, code, deviceName, known };
  const device = await logIn({ ...request, askCode: () => askCode(cli), signal: cli.signal });
  await writeDevice(dir.device, device);
  cli.terminal.note(`this computer is "${device.device.name}" of ${device.email}; \`fjord up\` starts the drive`);
}
