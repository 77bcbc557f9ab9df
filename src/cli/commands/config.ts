import type { Command } from 'commander';
import { defaultConfigFile, keys, SETTINGS, variable, type Config, type SettingKey } from '../../agent/config.ts';
import { dataCommand, settings, type Cli, type DataOptions } from '../cli.ts';
import type { Terminal } from '../terminal.ts';

export function configCommand(cli: Cli): Command {
  return dataCommand('config')
    .description('list all settings, what they mean and what they are now')
    .addHelpText(
      'after',
      `\nSettings are read from ${defaultConfigFile}, then from FJORD_… variables, then from the options of a command.\n` +
        'The output is such a file.',
    )
    .action(async (options: DataOptions) => {
      const config = settings(cli, options);
      await cli.terminal.print(`# ${options.config ?? cli.env['FJORD_CONFIG'] ?? defaultConfigFile}`);
      for (const key of keys()) await printKey(cli.terminal, config, key);
    });
}

async function printKey(terminal: Terminal, config: Config, key: SettingKey): Promise<void> {
  const { help, show, expects } = SETTINGS[key];
  const value = config[key] as never;
  const changed = value !== SETTINGS[key].default ? ` (default ${show(SETTINGS[key].default as never)})` : '';
  await terminal.print(`\n# ${help}: ${expects}${changed}; ${variable(key)}`);
  await terminal.print(`${terminal.paint('bold', key)} = ${show(value)}`);
}
