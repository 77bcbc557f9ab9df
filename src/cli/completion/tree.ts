import type { Command } from 'commander';

/** A command with what completion scripts need to know of it. */
export interface Completable {
  /** `fjord backup add` */
  readonly path: string;
  readonly children: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly { readonly flag: string; readonly description: string }[];
  /** Whether the command takes a path in the drive. */
  readonly drive: boolean;
}

/** The command and all its subcommands. */
export function completables(command: Command, above = ''): Completable[] {
  const path = `${above} ${command.name()}`.trim();
  const own: Completable = {
    path,
    children: command.commands.map((child) => ({ name: child.name(), description: child.description() })),
    options: command
      .createHelp()
      .visibleOptions(command)
      .map(({ long, short, description }) => ({ flag: long ?? short ?? '', description })),
    drive: command.registeredArguments.some((argument) => argument.name() === 'path'),
  };
  return [own, ...command.commands.flatMap((child) => completables(child, path))];
}

/** Every pair of a command and a subcommand, as `fjord backup`: the steps from which scripts follow the typed words. */
export function steps(all: readonly Completable[]): string[] {
  return all.flatMap(({ path, children }) => children.map(({ name }) => `${path} ${name}`));
}

/** The text in single quotes for a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
