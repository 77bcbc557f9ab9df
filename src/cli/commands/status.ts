import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { BackupSet, Status, SyncedFolder, VerifiedState } from '../../daemon/control/wire.ts';
import { noteOverdue } from '../overdue.ts';
import { RateMeter, type Rates } from '../../daemon/control/rates.ts';
import { plainLine, rateWords } from '../status-watch.ts';
import { folderWords, isFolderConcern } from './sync.ts';
import { isConcern, stateWords } from '../backup-words.ts';
import { dataCommand, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { pinWords } from './pin.ts';
import { issueWords } from './issues.ts';
import { limitWords } from './limit.ts';
import { count, shown, size, span, time } from '../format.ts';
import type { Terminal } from '../terminal.ts';

interface StatusOptions extends DataOptions {
  readonly json?: true;
  readonly watch?: true;
}

/** How many parked changes and issues are listed individually. */
const SHOWN = 20;
/** ms */
const REFRESH = 1000;

export function statusCommand(cli: Cli): Command {
  return dataCommand('status')
    .description('show what is running, what is queued and what needs a decision')
    .option('--json', 'as JSON')
    .option('--watch', 'refresh every second, until Ctrl-C')
    .addHelpText(
      'after',
      '\nWith --watch on a terminal the view is refreshed every second; elsewhere it is a line when something has changed, and with\n' +
        '--json an object per line, with the bytes per second in "rate". Ctrl-C ends it. Without --watch the exit code is 9 if a\n' +
        'backup has not been complete for longer than its schedule allows.',
    )
    .action((options: StatusOptions) =>
      withGateway(cli, options, async (gateway) => {
        if (options.watch) return watch(cli, () => gateway.status(), options);
        const status = await gateway.status();
        noteOverdue(status.backups);
        if (options.json) return cli.terminal.print(JSON.stringify(status, null, 2));
        for (const line of statusLines(status, cli.terminal, Date.now())) await cli.terminal.print(line);
      }),
    );
}

/** Shows the status once a second, until a signal ends it. */
async function watch(cli: Cli, ask: () => Promise<Status>, { json }: StatusOptions): Promise<void> {
  const { terminal, signal } = cli;
  const meter = new RateMeter();
  const isLive = terminal.stdout.isTTY === true && terminal.live;
  let last = '';
  for (; !signal.aborted; await sleep(REFRESH, undefined, { signal }).catch(() => undefined)) {
    const status = await ask().catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (status === undefined) return;
    const rate = meter.add(status, performance.now());
    if (json) await terminal.print(JSON.stringify({ ...status, rate }));
    else if (isLive) await terminal.write(view(status, terminal, rate));
    else {
      const line = plainLine(status, rate, Date.now());
      if (line !== last) await terminal.print(line);
      last = line;
    }
  }
}

/** From the top of the screen; each line ends by erasing what was behind it, and all below the last is erased. */
function view(status: Status, terminal: Terminal, rate: Rates): string {
  const lines = [...statusLines(status, terminal, Date.now()), `now        ${rateWords(status, rate)}`];
  return `\u001B[H${lines.map((line) => `${line}\u001B[K\n`).join('')}\u001B[J`;
}

/** The status as lines of text. */
export function statusLines(status: Status, terminal: Pick<Terminal, 'paint'>, now: number): string[] {
  const { cloud, webdav, mount, mountProblem, cache, usage, queued } = status;
  const states = {
    live: terminal.paint('green', 'live'),
    polling: terminal.paint('yellow', 'polling every few seconds'),
    offline: terminal.paint('red', 'offline: everything cached works, changes wait'),
  };
  const since = cloud.since === undefined ? '' : `, since ${time(cloud.since)}`;
  const why = cloud.reason === undefined ? since : `${since} (${shown(cloud.reason)})`;
  const waiting = queued.files - status.parkedCount - status.behindParked;
  const uploads = `${count(waiting, 'change')}, ${size(queued.bytes)}, on the way`;
  return [
    `Fjord ${status.version}, pid ${status.pid}, for ${span(now - status.started)}, data in ${shown(status.dir)}`,
    `cloud      ${shown(cloud.url)} as ${shown(status.account)}, device "${shown(status.device)}", ${states[cloud.state]}${why}`,
    `WebDAV     ${webdav.url} (user ${webdav.user})`,
    ...(mount === null ? [] : [`mount      ${shown(mount)}`]),
    ...(mountProblem === undefined ? [] : [terminal.paint('yellow', `mount      ${notMounted(mountProblem)}`)]),
    `uploads    ${waiting > 0 ? uploads : queued.files > 0 ? 'the queued changes cannot be sent' : 'everything is in the cloud'}`,
    `verified   ${verifiedWords(cloud.verified, now)}`,
    ...limitLines(status.limits),
    `cache      ${size(cache.used)} of ${size(cache.limit)}`,
    ...(status.pins.paths.length === 0 ? [] : [`pinned     ${pinWords(status.pins)}`]),
    ...status.folders.map((folder) => folderLine(folder, terminal)),
    ...status.backups.map((set) => backupLine(set, terminal, now)),
    ...(usage === undefined ? [] : [`account    ${size(usage.used)} of ${size(usage.quota)} used`]),
    ...concerns(status, terminal),
    ...openLines(status.open, terminal),
  ];
}

/** When the drive was last proven to be what the cloud has. */
export function verifiedWords({ at, nodes = 0, repaired, running, problem }: VerifiedState, now: number): string {
  const ago = (then: number): string => `${span(Math.max(0, now - then))} ago`;
  const proof = at === undefined ? 'not yet' : `${ago(at)}: ${count(nodes, 'entry', 'entries')} as in the cloud`;
  const mended =
    repaired === undefined ? '' : `, ${count(repaired.entries, 'entry', 'entries')} repaired ${ago(repaired.at)}`;
  const state = running ? ', being verified now' : problem === undefined ? '' : `; the last try: ${shown(problem)}`;
  return proof + mended + state;
}

function openLines(open: Status['open'], terminal: Pick<Terminal, 'paint'>): string[] {
  if (open.issues + open.advice === 0) return [];
  const line = `issues     ${issueWords(open)}; \`fjord issues\` lists what to do`;
  return [open.issues > 0 ? terminal.paint('yellow', line) : line];
}

function folderLine(folder: SyncedFolder, terminal: Pick<Terminal, 'paint'>): string {
  const line = `sync       ${shown(folder.folder)} with ${shown(folder.remote)}: ${folderWords(folder)}`;
  return isFolderConcern(folder) ? terminal.paint('yellow', line) : line;
}

function backupLine(set: BackupSet, terminal: Pick<Terminal, 'paint'>, now: number): string {
  const line = `backup     ${shown(set.name)}: ${stateWords(set, now)}`;
  return isConcern(set) ? terminal.paint('yellow', line) : line;
}

function limitLines({ up, down }: Status['limits']): string[] {
  if (up.limit === 'off' && down.limit === 'off') return [];
  const now = Date.now();
  return [`limits     up ${limitWords(up, now)}, down ${limitWords(down, now)}`];
}

function notMounted({ dir, reason }: NonNullable<Status['mountProblem']>): string {
  return `not on ${shown(dir)}: ${shown(reason)}; \`fjord mount ${shown(dir)}\` tries again`;
}

/** Lines for everything that needs the user's attention. */
function concerns(status: Status, terminal: Pick<Terminal, 'paint'>): string[] {
  const { parked, parkedCount, behindParked, stuck, conflicts, held, issues, issueCount, damaged = 0 } = status;
  const rest = parkedCount - Math.min(parked.length, SHOWN);
  return [
    ...held.map(({ space, files }) =>
      terminal.paint(
        'yellow',
        `held       ${count(files, 'file')} removed elsewhere from ${shown(space)}; \`fjord confirm\` removes them here, too`,
      ),
    ),
    ...issues
      .slice(0, SHOWN)
      .map(({ path, reason, at }) =>
        terminal.paint('yellow', `unshown    ${shown(path)}: ${shown(reason)} (${time(at)})`),
      ),
    ...more(issueCount - Math.min(issues.length, SHOWN)),
    ...(damaged > 0 ? [terminal.paint('yellow', damagedLine(damaged))] : []),
    ...(conflicts > 0
      ? [terminal.paint('yellow', `conflicts  ${count(conflicts, 'copy', 'copies')}; \`fjord conflicts\` lists them`)]
      : []),
    ...parked
      .slice(0, SHOWN)
      .map(({ path, reason, at }) =>
        terminal.paint('yellow', `parked     ${shown(path)}: ${shown(reason)} (${time(at)})`),
      ),
    ...more(rest),
    ...(behindParked > 0 ? [`           ${count(behindParked, 'change')} waiting for those`] : []),
    ...(stuck === undefined
      ? []
      : [
          terminal.paint(
            'red',
            `stuck      ${shown(stuck)}: not being sent, for no known reason; restart Fjord and please report this`,
          ),
        ]),
    ...(parked.length > 0 ? ['           `fjord retry` retries them'] : []),
  ];
}

function damagedLine(damaged: number): string {
  const blocks = count(damaged, 'block');
  return `damaged    ${blocks} in the cloud; a computer that has the content uploads it again (\`fjord cloud verify\` names the files)`;
}

function more(rest: number): string[] {
  return rest > 0 ? [`           and ${rest} more; \`fjord status --json\` has more of them`] : [];
}
