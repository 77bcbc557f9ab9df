import { Argument, Command } from 'commander';
import type { Cli } from '../cli.ts';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { completables, type Completable } from '../completion/tree.ts';
import { zshScript } from '../completion/zsh.ts';

const SCRIPTS: Readonly<Record<string, (all: readonly Completable[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** `program` is the tree that the script completes. */
export function completionCommand(cli: Cli, program: Command): Command {
  return new Command('completion')
    .description('print the script with which a shell completes commands, options and paths of the drive')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      '\nbash: source <(fjord completion bash)\nzsh:  source <(fjord completion zsh)\n' +
        'fish: fjord completion fish > ~/.config/fish/completions/fjord.fish',
    )
    .action(async (shell: string) => {
      await cli.terminal.write(SCRIPTS[shell]?.(completables(program)) ?? '');
    });
}
