import { type Command, Option } from 'commander';
import type { OpenIssue } from '../../daemon/control/wire.ts';
import { Problem } from '../../daemon/problem.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { exitCode } from '../exit.ts';
import { count, shown, time } from '../format.ts';
import type { Terminal } from '../terminal.ts';

interface IssuesOptions extends DataOptions {
  readonly json?: true;
}

interface ResolveOptions extends DataOptions {
  readonly keep?: 'mine' | 'theirs' | 'both';
  readonly rename?: string;
}

/** `issues` and `resolve`. */
export function issueCommands(cli: Cli): Command[] {
  return [issuesCommand(cli), resolveCommand(cli)];
}

function issuesCommand(cli: Cli): Command {
  return dataCommand('issues')
    .description('list everything that needs a person, with its cause, its remedy and the command to run')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nThe ids stay the same as long as the issue does. Advice is about what works here and may not work on other systems. The exit code is\n' +
        '10 if there are issues, and 0 if there is nothing but advice.',
    )
    .action((options: IssuesOptions) =>
      withGateway(cli, options, async (gateway) => {
        const issues = (await gateway.issues()).map((issue) => withData(issue, options));
        if (issues.some(({ advice }) => advice !== true)) process.exitCode = exitCode('pending');
        if (options.json) return cli.terminal.print(JSON.stringify(issues, null, 2));
        for (const issue of issues) for (const line of linesOf(issue, cli.terminal)) await cli.terminal.print(line);
        cli.terminal.note(issueWords(countOf(issues)));
      }),
    );
}

function resolveCommand(cli: Cli): Command {
  return dataCommand('resolve')
    .description('resolve an issue that `fjord issues` lists')
    .argument('<id>', 'id of the issue')
    .addOption(
      new Option('--keep <which>', 'of a conflict: the copy that was made here, the version of the cloud, or both')
        .choices(['mine', 'theirs', 'both'])
        .conflicts('rename'),
    )
    .option('--rename <name>', 'give the file or folder of the issue another name')
    .addHelpText(
      'after',
      examples(
        ['fjord resolve conflict-1f0c2a9b --keep mine', 'the copy replaces the other, which stays among its versions'],
        ["fjord resolve name-77aa01bc --rename 'a_b.txt'", 'a name that every system can hold'],
      ),
    )
    .action((id: string, { keep, rename, ...options }: ResolveOptions) => {
      if (keep === undefined && rename === undefined)
        throw new Problem('usage', 'say --keep mine, theirs or both, or --rename NAME');
      const how = keep === undefined ? { rename: rename ?? '' } : { keep };
      return withGateway(cli, options, (gateway) => gateway.resolve({ id, ...how }));
    });
}

/** With the data folder in its command, if that was given in this one. */
function withData(issue: OpenIssue, { data }: DataOptions): OpenIssue {
  if (data === undefined || issue.command === undefined) return issue;
  const option = ` --data '${data.replaceAll("'", String.raw`'\''`)}'`;
  const steps = issue.command.split(' && ').map((step) => (step.startsWith('fjord ') ? step + option : step));
  return { ...issue, command: steps.join(' && ') };
}

function linesOf({ id, advice, path, cause, remedy, command, at }: OpenIssue, terminal: Terminal): string[] {
  const when = at === undefined ? '' : `  (${time(at)})`;
  const head = terminal.paint(
    advice === true ? 'blue' : 'yellow',
    `${id}${path === undefined ? '' : `  ${shown(path)}`}`,
  );
  return [
    `${head}${when}`,
    `    ${advice === true ? 'advice: ' : ''}${shown(cause)}`,
    `    ${shown(remedy)}`,
    ...(command === undefined ? [] : [`    ${shown(command)}`]),
  ];
}

function countOf(issues: readonly OpenIssue[]): { issues: number; advice: number } {
  const advice = issues.filter((issue) => issue.advice === true).length;
  return { issues: issues.length - advice, advice };
}

/** `2 issues need you, and 1 piece of advice` */
export function issueWords({ issues, advice }: { readonly issues: number; readonly advice: number }): string {
  const more = advice === 0 ? '' : `${count(advice, 'piece')} of advice`;
  if (issues === 0) return more === '' ? 'nothing needs you' : more;
  return `${count(issues, 'issue')}${more === '' ? '' : ` and ${more}`}`;
}
