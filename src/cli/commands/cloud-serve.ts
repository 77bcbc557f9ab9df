import { Command } from 'commander';
import { examples, type Cli } from '../cli.ts';
import type { ServeOptions } from '../run-cloud.ts';

export function serveCommand(cli: Cli): Command {
  return new Command('serve')
    .description('serve accounts and their files, in this terminal')
    .option('--data <dir>', "folder of the cloud's data")
    .option(
      '--database <url>',
      'PostgreSQL for accounts and folders, postgres://user@host/name (password: PGPASSWORD or ~/.pgpass); else SQLite',
    )
    .option('--config <file>', 'settings file (TOML)')
    .option('--listen <host:port>', 'address to listen on', '127.0.0.1:4010')
    .option('--account-file <file>', 'make the account of this file (JSON with email and password) if there is none')
    .option('--tls-cert <file>', 'certificate (PEM); needed for addresses beyond this computer')
    .option('--tls-key <file>', 'its private key (PEM)')
    .option('--insecure', 'plain HTTP beyond this computer, behind a proxy that has TLS')
    .addHelpText('after', examples(['fjord cloud serve --data /srv/fjord --listen 127.0.0.1:4010', 'until Ctrl-C']))
    .action(async (options: ServeOptions) => (await import('../run-cloud.ts')).serve(cli, options));
}
