import type { Command } from 'commander';
import { dataCommand, examples, type Cli } from '../cli.ts';
import { withGatewayOptions, type GatewayOptions } from '../gateway-options.ts';

export function startCommand(cli: Cli): Command {
  return withGatewayOptions(dataCommand('start'))
    .description('run your own cloud and the drive in this terminal until Ctrl-C')
    .addHelpText(
      'after',
      examples(
        ['fjord start', 'everything in the default folder'],
        ['fjord start --data ~/drive2 --port 4200', 'a second one beside it'],
      ),
    )
    .action(async (options: GatewayOptions) => (await import('../run-start.ts')).start(cli, options));
}
