import { resolve } from 'node:path';
import { Command } from 'commander';
import { loadConfig, type Config } from '../daemon/config.ts';
import { ControlClient } from '../daemon/control/client.ts';
import { dataDir } from '../daemon/data-dir.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given: its terminal, its environment and its signals. */
export interface Cli {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Aborted by Ctrl-C and SIGTERM. Commands that stop in an orderly way handle the signals themselves, through
   * `ownSignals`.
   */
  readonly signal: AbortSignal;
  /** From this call on, a signal only calls the listener. */
  readonly ownSignals: (listener: (signal: NodeJS.Signals) => void) => void;
}

export interface DataOptions {
  readonly data?: string;
  readonly config?: string;
}

/** A command about one data folder. */
export function dataCommand(name: string): Command {
  return new Command(name)
    .option('--data <dir>', 'folder that holds everything Fjord keeps on this computer')
    .option('--config <file>', 'settings file (TOML)');
}

export function settings({ env }: Cli, { data, config }: DataOptions, flags: Partial<Config> = {}): Config {
  return loadConfig({ env, file: config, flags: { ...flags, ...(data === undefined ? {} : { 'data.dir': data }) } });
}

/** The folder with the cloud's data: the given one, or else the embedded cloud's. */
export function cloudFolder(config: Config, named: string | undefined): string {
  return named === undefined ? dataDir(config['data.dir']).cloud : resolve(named);
}

/** Calls `run` with a connection to the running gateway. @throws Problem of kind `unreachable` if no gateway runs */
export async function withGateway<T>(
  cli: Cli,
  options: DataOptions,
  run: (gateway: ControlClient) => Promise<T>,
): Promise<T> {
  const dir = dataDir(settings(cli, options)['data.dir']);
  const gateway = new ControlClient(dir.controlSocket, dir.root, cli.signal);
  try {
    return await run(gateway);
  } finally {
    await gateway.close();
  }
}

/** Examples at the end of a command's help. */
export function examples(...lines: readonly (readonly [command: string, meaning: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nExamples:\n${lines.map(([command, meaning]) => `  ${command.padEnd(width)}  ${meaning}`).join('\n')}`;
}
