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

/** `program` is the command tree that the script completes. */
export function completionCommand(cli: Cli, program: Command): Command {
  return new Command('completion')
    .description('print a script that makes a shell complete commands, options and paths in the drive')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      '\nbash: source <(fjord completion bash)\nzsh:  source <(fjord completion zsh)\n' +
        'fish: fjord completion fish > ~/.config/fish/completions/fjord.fish',
    )
    .action(async (shell: string) => {
      await cli.terminal.write(SCRIPTS[shell]?.(completables(program)) ?? '');
    });
}
