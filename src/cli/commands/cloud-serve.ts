import { Command } from 'commander';
import { examples, type Cli } from '../cli.ts';
import type { ServeOptions } from '../run-cloud.ts';

export function serveCommand(cli: Cli): Command {
  return new Command('serve')
    .description('run a cloud in this terminal until Ctrl-C')
    .option('--data <dir>', "folder for the cloud's data")
    .option(
      '--database <url>',
      'PostgreSQL database for accounts and folders, postgres://user@host/name (password: PGPASSWORD or ~/.pgpass); default: SQLite',
    )
    .option('--config <file>', 'settings file (TOML)')
    .option('--listen <host:port>', 'address to listen on', '127.0.0.1:4010')
    .option(
      '--account-file <file>',
      'create the account in this file (JSON with email and password) if the cloud has no account yet',
    )
    .option('--tls-cert <file>', 'certificate (PEM); needed to listen on addresses other than loopback')
    .option('--tls-key <file>', 'private key of the certificate (PEM)')
    .option('--insecure', 'allow plain HTTP on addresses other than loopback, behind a proxy that ends TLS')
    .addHelpText('after', examples(['fjord cloud serve --data /srv/fjord --listen 127.0.0.1:4010', 'until Ctrl-C']))
    .action(async (options: ServeOptions) => (await import('../run-cloud.ts')).serve(cli, options));
}
