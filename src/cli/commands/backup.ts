import { Command } from 'commander';
import { resolve } from 'node:path';
import type { BackupSet, VerifyReport } from '../../daemon/control/wire.ts';
import { Problem } from '../../daemon/problem.ts';
import { parseDuration } from '../../daemon/setting.ts';
import { noteOverdue } from '../overdue.ts';
import { stateWords, verifiedWords, whenWords } from '../backup-words.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { columns, count, shown, size, time } from '../format.ts';
import { follow } from './upload.ts';

interface RuleOptions extends DataOptions {
  readonly onFailure?: string;
  readonly schedule?: string;
  readonly exclude?: readonly string[];
  readonly oneFileSystem?: boolean;
}

interface AddOptions extends RuleOptions {
  readonly name?: string;
  readonly marker?: true;
}

const SCHEDULES = `
Schedules:
  continuous             after each change (the default)
  weekdays 22:00-06:00   after each change, but only between these times
  daily 02:00            also weekdays, weekends, or days: mon,thu or mon-fri
  every 4h               also min and d
  "0 2 * * 1-5"          a line of cron: minute, hour, day, month, day of the week
  manual                 only by \`fjord backup run\`

A run that was missed because the computer slept or was off starts at once when it is on again.`;

export function backupCommand(cli: Cli): Command {
  const commands = [add, edit, remove, list, status, log, run, verify, pause, resume];
  const backup = new Command('backup')
    .description('mirror folders of this computer into /Backup, by themselves')
    .addHelpText(
      'after',
      examples(
        ['fjord backup add ~/Documents', 'mirror a folder from now on'],
        ['fjord backup status', 'what the mirrors are doing'],
        ['fjord backup run --wait', 'compare everything now, and wait until all is in the cloud'],
      ),
    );
  for (const command of commands) backup.addCommand(command(cli));
  return backup;
}

function withRules(command: Command): Command {
  return command
    .option('--schedule <when>', 'when it runs, see below')
    .option('--exclude <pattern>', 'leave out what matches, as in .gitignore; may be repeated', collect)
    .option(
      '--on-failure <command>',
      'what is done when it fails: a command, or the URL of a webhook; "": as in the settings',
    )
    .option('--one-file-system', 'leave out folders that are on other disks')
    .addHelpText('after', SCHEDULES);
}

function collect(pattern: string, before: readonly string[] = []): string[] {
  return [...before, pattern];
}

function rulesOf({ schedule, exclude, oneFileSystem, onFailure }: RuleOptions) {
  return {
    ...(schedule === undefined ? {} : { schedule }),
    ...(exclude === undefined ? {} : { exclude: exclude.filter((one) => one !== '') }),
    ...(oneFileSystem === undefined ? {} : { oneFileSystem }),
    ...(onFailure === undefined ? {} : { onFailure }),
  };
}

function add(cli: Cli): Command {
  return withRules(dataCommand('add'))
    .description('mirror a folder, from now on')
    .argument('<folder>', 'folder of this computer')
    .option('--name <set>', "name under /Backup/<device>; the folder's own by default")
    .option('--marker', 'if the disk has no identifier, put a file .fjord-volume into the folder to know it again')
    .action(async (folder: string, options: AddOptions) => {
      const { name, marker } = options;
      const named = { ...(name === undefined ? {} : { name }), ...(marker === undefined ? {} : { marker }) };
      const body = { folder: resolve(folder), ...named, ...rulesOf(options) };
      const set = await withGateway(cli, options, (gateway) => gateway.addBackup(body));
      cli.terminal.note(`${shown(set.folder)} is mirrored as "${shown(set.name)}": ${begins(set)}`);
      cli.terminal.note('`fjord backup status` shows how far it is');
    });
}

function begins({ schedule, state }: BackupSet): string {
  if (state.doing !== 'waiting') return `the first run has begun, schedule: ${schedule}`;
  return state.next === undefined ? '`fjord backup run` starts it' : `next run: ${whenWords(state.next, Date.now())}`;
}

function edit(cli: Cli): Command {
  return withRules(dataCommand('edit'))
    .description('change the schedule or the exclusions of a set')
    .argument('<set>', 'name of the set')
    .option('--no-one-file-system', 'mirror folders that are on other disks, too')
    .addHelpText('after', '\n--exclude replaces all patterns; --exclude "" removes them.')
    .action(async (name: string, options: RuleOptions) => {
      const rules = rulesOf(options);
      if (Object.keys(rules).length === 0) throw new Problem('usage', 'there is nothing to change; see --help');
      await withGateway(cli, options, (gateway) => gateway.editBackup({ name, ...rules }));
    });
}

function remove(cli: Cli): Command {
  return dataCommand('remove')
    .description('stop mirroring a folder; its mirror goes to the Trash, the folder itself stays as it is')
    .argument('<set>', 'name of the set')
    .option('--keep', 'leave the mirror in the cloud as it is')
    .action(async (name: string, options: DataOptions & { keep?: true }) => {
      await withGateway(cli, options, (gateway) => gateway.removeBackup({ name, keep: options.keep ?? false }));
    });
}

function list(cli: Cli): Command {
  return dataCommand('list')
    .description('list the mirrored folders')
    .option('--json', 'as JSON')
    .action(async (options: DataOptions & { json?: true }) => {
      const sets = await withGateway(cli, options, (gateway) => gateway.backups());
      if (options.json) return cli.terminal.print(JSON.stringify(sets, null, 2));
      const rows = sets.map(({ name, folder, schedule, finished, verified }) => [
        shown(name),
        finished === undefined ? 'not complete yet' : time(finished),
        verifiedWords(verified),
        schedule,
        shown(folder),
      ]);
      for (const row of columns(rows)) await cli.terminal.print(row);
    });
}

function status(cli: Cli): Command {
  return dataCommand('status')
    .description('what the mirrors are doing, and what they wait for')
    .argument('[set]', 'one set; all by default')
    .option('--json', 'as JSON')
    .action(async (name: string | undefined, options: DataOptions & { json?: true }) => {
      const all = await withGateway(cli, options, (gateway) => gateway.backups());
      const sets = name === undefined ? all : all.filter((set) => set.name === name);
      if (name !== undefined && sets.length === 0) throw new Problem('not-found', `there is no set "${name}"`);
      noteOverdue(sets);
      if (options.json) return cli.terminal.print(JSON.stringify(sets, null, 2));
      if (sets.length === 0) cli.terminal.note('nothing is mirrored yet; choose with `fjord backup add FOLDER`');
      for (const set of sets) await cli.terminal.print(`${shown(set.name)}: ${stateWords(set, Date.now())}`);
    });
}

function log(cli: Cli): Command {
  return dataCommand('log')
    .description('list every file that could not be taken, with the reason')
    .argument('<set>', 'name of the set')
    .option('--json', 'one JSON object per line')
    .action((name: string, options: DataOptions & { json?: true }) =>
      withGateway(cli, options, async (gateway) => {
        for await (const problem of gateway.backupLog(name)) {
          const { at, path, reason, skipped } = problem;
          if (options.json) await cli.terminal.print(JSON.stringify(problem));
          else {
            const what = skipped ? 'skipped: ' : '';
            await cli.terminal.print(`${time(at)}  ${shown(path === '' ? '.' : path)}  ${what}${shown(reason)}`);
          }
        }
      }),
    );
}

function run(cli: Cli): Command {
  return dataCommand('run')
    .description('compare everything now, whatever the schedule')
    .argument('[set]', 'one set; all by default')
    .option('--wait', 'end when all that is there now is in the cloud; the exit code says whether it is')
    .option('--confirm', 'go on where a run waits because the disk or most of the files are different')
    .option('--repair', 'put everything right that was changed in the cloud, where else it is left alone')
    .action((name: string | undefined, options: DataOptions & { confirm?: true; repair?: true; wait?: true }) =>
      withGateway(cli, options, async (gateway) => {
        const names = name === undefined ? (await gateway.backups()).map((set) => set.name) : [name];
        if (names.length === 0) cli.terminal.note('nothing is mirrored yet; choose with `fjord backup add FOLDER`');
        for (const set of names) {
          const body = { name: set, confirm: options.confirm ?? false, repair: options.repair ?? false };
          if (options.wait) await follow(cli, `Mirroring ${shown(set)}`, 'mirrored', gateway.runBackup(body));
          else await gateway.startBackup(body);
        }
      }),
    );
}

function verify(cli: Cli): Command {
  return dataCommand('verify')
    .description('compare a folder with its mirror, and read the content of some of the files on both sides')
    .argument('<set>', 'name of the set')
    .option('--read <percent>', 'how many of the files are read, in percent', '5')
    .option('--json', 'one JSON object per difference')
    .addHelpText(
      'after',
      '\nWhat has changed in the folder since the last run is named, and no fault. The exit code is 8 if there is damage: the cloud\n' +
        'has lost something or cannot read it, or a file here has changed without having been written.',
    )
    .action((name: string, options: DataOptions & { read: string; json?: true }) =>
      withGateway(cli, options, async (gateway) => {
        const percent = Number(options.read.replace(/%$/, ''));
        if (!(percent >= 0 && percent <= 100)) throw new Problem('usage', `${options.read} is no percentage`);
        await verifySet(cli, gateway.verifyBackup({ name, share: percent / 100 }), options.json === true);
      }),
    );
}

async function verifySet(cli: Cli, reports: AsyncIterable<VerifyReport>, json: boolean): Promise<void> {
  const found = { changed: 0, damage: 0 };
  let compared = { files: 0, bytes: 0 };
  for await (const report of reports) {
    if ('progress' in report) {
      compared = report.progress;
      continue;
    }
    const { path, what, cause, reason } = report.finding;
    found[cause] += 1;
    const line = `${cause === 'damage' ? 'DAMAGE' : 'changed'}  ${shown(path)}  ${what}: ${shown(reason)}`;
    await cli.terminal.print(json ? JSON.stringify(report.finding) : line);
  }
  const { files, bytes } = compared;
  cli.terminal.note(`compared ${count(files, 'file')}, and ${size(bytes)} of content with the cloud`);
  if (found.changed > 0) {
    cli.terminal.note(
      `${count(found.changed, 'difference')} from changes since the last run: the next one takes those made here, \`fjord backup run --repair\` undoes those made in the cloud`,
    );
  }
  if (found.damage > 0)
    throw new Problem('damaged', `${count(found.damage, 'file or folder', 'files or folders')} damaged`);
}

function pause(cli: Cli): Command {
  return dataCommand('pause')
    .description('stop the mirrors for a while; they go on where they were')
    .argument('[set]', 'one set; all by default')
    .argument('[time]', 'for how long, such as 2h; until `fjord backup resume` by default')
    .addHelpText('after', examples(['fjord backup pause 2h', 'all of them, for two hours']))
    .action(async (first: string | undefined, second: string | undefined, options: DataOptions) => {
      const alone = second === undefined && first !== undefined && /^\d/.test(first) ? parseDuration(first) : undefined;
      const duration = alone ?? (second === undefined ? undefined : parseDuration(second));
      const written = second ?? (alone === undefined ? undefined : first);
      if (written !== undefined && !duration)
        throw new Problem('usage', `${written} is no time such as "30 min" or "2h"`);
      const named = first === undefined || alone !== undefined ? {} : { name: first };
      const body = { ...named, ...(duration === undefined ? {} : { duration }) };
      await withGateway(cli, options, (gateway) => gateway.pauseBackups(body));
    });
}

function resume(cli: Cli): Command {
  return dataCommand('resume')
    .description('let mirrors that are paused go on')
    .argument('[set]', 'one set; all by default')
    .action(async (name: string | undefined, options: DataOptions) => {
      await withGateway(cli, options, (gateway) => gateway.resumeBackups(name === undefined ? {} : { name }));
    });
}
