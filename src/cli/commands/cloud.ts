import { Command } from 'commander';
import type { Cli } from '../cli.ts';

export function cloudCommand(_cli: Cli): Command {
  return new Command('cloud').description('run a cloud and its accounts');
}
