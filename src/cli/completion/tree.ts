import type { Command } from 'commander';

/** A command as completion scripts see it. */
export interface Completable {
  /** `fjord backup add` */
  readonly path: string;
  readonly children: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly { readonly flag: string; readonly description: string }[];
  /** Whether an argument names something in the drive. */
  readonly drive: boolean;
}

/** The command and all below it. */
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

/** `backup` within `fjord` leads to `fjord backup`: every step that a typed word can make. */
export function steps(all: readonly Completable[]): string[] {
  return all.flatMap(({ path, children }) => children.map(({ name }) => `${path} ${name}`));
}

/** In single quotes for a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
