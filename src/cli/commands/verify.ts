import type { Command } from 'commander';
import { Problem } from '../../daemon/problem.ts';
import { dataCommand, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { count, shown } from '../format.ts';

interface VerifyOptions extends DataOptions {
  readonly json?: true;
}

/** Proves that the drive is what the cloud has. */
export function verifyCommand(cli: Cli): Command {
  return dataCommand('verify')
    .description('prove that the drive shows what the cloud has, and repair it if not')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nNames, places, versions and attributes are compared, not contents. Changes that wait to be sent stay. This is also done\n' +
        'from time to time (`sync.verify_every`); `fjord status` shows when it was proven last. The exit code is 1 if it is not.',
    )
    .action(async (options: VerifyOptions) => {
      const { nodes, repaired, problem } = await withGateway(cli, options, (gateway) => gateway.verify());
      if (options.json) await cli.terminal.print(JSON.stringify({ nodes, repaired, problem }, null, 2));
      if (repaired > 0)
        cli.terminal.note(`repaired ${count(repaired, 'entry', 'entries')} that differed from the cloud`);
      if (problem !== undefined)
        throw new Problem('failure', `the drive is not proven to be what the cloud has: ${shown(problem)}`);
      cli.terminal.note(`the drive is what the cloud has: ${count(nodes, 'file or folder', 'files and folders')}`);
    });
}
