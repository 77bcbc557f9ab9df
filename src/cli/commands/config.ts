import type { Command } from 'commander';
import { defaultConfigFile, keys, SETTINGS, variable, type Config, type SettingKey } from '../../daemon/config.ts';
import type { Setting } from '../../daemon/setting.ts';
import { dataCommand, settings, type Cli, type DataOptions } from '../cli.ts';
import type { Terminal } from '../terminal.ts';

export function configCommand(cli: Cli): Command {
  return dataCommand('config')
    .description('list all settings with their meanings and current values')
    .addHelpText(
      'after',
      `\nSettings come from ${defaultConfigFile}; FJORD_… variables override them, and command options override both.\n` +
        'The output can be used as that file.',
    )
    .action(async (options: DataOptions) => {
      const config = settings(cli, options);
      await cli.terminal.print(`# ${options.config ?? cli.env['FJORD_CONFIG'] ?? defaultConfigFile}`);
      for (const key of keys()) await printKey(cli.terminal, config, key);
    });
}

async function printKey(terminal: Terminal, config: Config, key: SettingKey): Promise<void> {
  const setting: Setting<unknown> = SETTINGS[key];
  const value = config[key];
  const changed = value === setting.default ? '' : ` (default ${setting.show(setting.default)})`;
  await terminal.print(`\n# ${setting.help}: ${setting.expects}${changed}; ${variable(key)}`);
  await terminal.print(`${terminal.paint('bold', key)} = ${setting.show(value)}`);
}
