import { realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Restore } from '../../backup/restore/restore.ts';
import { Problem } from '../../daemon/problem.ts';
import { dataCommand, examples, settings, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { count, shown, time } from '../format.ts';
import { parsePastTime } from '../past-time.ts';
import { ProgressLine } from '../progress-line.ts';
import { RestoreReport } from '../restore-report.ts';

interface RestoreOptions extends DataOptions {
  readonly to?: string;
  readonly at?: string;
  readonly only?: readonly string[];
  readonly dryRun?: true;
  readonly overwrite?: true;
}

export function restoreCommand(cli: Cli): Command {
  return dataCommand('restore')
    .description('get a folder or file back from the cloud as it is or was; or make an older version the newest one')
    .argument('<path>', 'file or folder of the drive, or /Backup/<computer> or / for all of it')
    .argument('[version]', 'without --to: id of the version to make the newest one, from `fjord versions`')
    .option('--to <folder>', 'folder of this computer to restore into; made if there is none')
    .option('--at <time>', 'as it was then: 2026-11-22, "2026-11-22 21:15", yesterday, 14:00, or 3d for 3 days ago')
    .option('--only <pattern>', 'only what matches, as in .gitignore; may be repeated', collect)
    .option('--overwrite', 'replace files and symlinks that are different')
    .option('--dry-run', 'only say what would be done')
    .addHelpText(
      'after',
      examples(
        ['fjord restore /Backup/laptop/docs --to ~/docs', 'a backup, with owners, times and links'],
        ['fjord restore /Backup/laptop/docs --to ~/docs --only "*.odt"', 'some of it'],
        ['fjord restore /Sync --to ~/old --at "2026-11-22 21:15"', 'as it was then'],
        ['fjord versions /Sync/a.txt', 'shows the ids of versions'],
        ['fjord restore /Sync/a.txt 0192…', 'takes one back'],
      ),
    )
    .addHelpText(
      'after',
      '\nA restore that was interrupted goes on when the same command is given again: what is there already is not fetched.\n' +
        'It is read from the cloud directly: Fjord need not run, `fjord login` is enough.',
    )
    .action((path: string, version: string | undefined, options: RestoreOptions) => run(cli, path, version, options));
}

/** How long the cloud remembers the names of what was removed, ms. */
const REMEMBERED = 60 * 24 * 3_600_000;

function collect(pattern: string, before: readonly string[] = []): string[] {
  return [...before, pattern];
}

async function run(cli: Cli, path: string, version: string | undefined, options: RestoreOptions): Promise<void> {
  const { to } = options;
  if (version !== undefined && to === undefined) {
    return withGateway(cli, options, (gateway) => gateway.restore({ path, version }));
  }
  if (version !== undefined) throw new Problem('usage', '`fjord get --version` fetches a version; --to takes none');
  if (to === undefined) throw new Problem('usage', 'where to? name a folder with --to DIR, or a version to take back');
  const at = options.at === undefined ? undefined : parsePastTime(options.at, Date.now());
  const target = await realTarget(to);
  const { openCloud } = await import('../../daemon/cloud-session.ts');
  const remote = await openCloud(settings(cli, options));
  try {
    const { Restore: Prepared } = await import('../../backup/restore/restore.ts');
    const restore = await Prepared.prepare({ remote, path, at, only: options.only ?? [], signal: cli.signal });
    if (at !== undefined && restore.isEmpty) throw new Problem('not-found', `there was nothing at ${path} ${asOf(at)}`);
    if (at !== undefined) cli.terminal.note(asOf(at));
    await write(cli, restore, target, options);
  } finally {
    await remote.close();
  }
}

async function write(cli: Cli, restore: Restore, target: string, options: RestoreOptions): Promise<void> {
  const { dryRun = false, overwrite = false } = options;
  const progress = new ProgressLine(cli.terminal, 'Restoring');
  const lines: Promise<void>[] = [];
  const report = new RestoreReport(
    restore.total,
    (step) => progress.update(step),
    ({ path, kind }, outcome) => {
      if (dryRun && outcome === 'written') lines.push(cli.terminal.print(shown(path) + (kind === 'folder' ? '/' : '')));
    },
  );
  for (const { path, reason } of restore.lacks) report.missed.push({ path, reason, kind: 'not-found' });
  let refused: ReadonlyMap<string, number>;
  try {
    refused = await restore.write({ target, overwrite, dryRun, observer: report });
  } finally {
    progress.clear();
    await Promise.all(lines);
  }
  for (const { path, reason } of report.missed) cli.terminal.note(`${shown(path)}: ${reason}`);
  for (const [what, times] of refused) cli.terminal.note(`not set: ${what}, of ${count(times, 'file')}`);
  cli.terminal.note(report.summary(dryRun ? 'would restore' : 'restored'));
  report.conclude();
}

function asOf(at: number): string {
  const isOld = at < Date.now() - REMEMBERED;
  const rest = isOld ? '; of what was removed more than 60 days ago nothing is known any more' : '';
  return `as of ${time(at)}${rest}`;
}

/** The folder itself may be new, the one that it is in may not. */
async function realTarget(to: string): Promise<string> {
  const target = resolve(to);
  try {
    return join(await realpath(dirname(target)), target.slice(dirname(target).length));
  } catch (error) {
    throw new Problem('not-found', `there is no folder ${dirname(target)}`, { cause: error });
  }
}
