import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { BackupSet, Status } from '../../daemon/control/wire.ts';
import { isConcern, stateWords } from '../backup-words.ts';
import { dataCommand, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { limitWords } from './limit.ts';
import { count, shown, size, span, time } from '../format.ts';
import type { Terminal } from '../terminal.ts';

interface StatusOptions extends DataOptions {
  readonly json?: true;
  readonly watch?: true;
}

/** How many parked changes and issues are listed individually. */
const SHOWN = 20;

export function statusCommand(cli: Cli): Command {
  return dataCommand('status')
    .description('show what is running, what is queued and what needs a decision')
    .option('--json', 'as JSON')
    .option('--watch', 'refresh every second, until Ctrl-C')
    .action((options: StatusOptions) =>
      withGateway(cli, options, async (gateway) => {
        await show(cli, await gateway.status(), options);
        while (options.watch && !cli.signal.aborted) {
          await sleep(1000, undefined, { signal: cli.signal }).catch(() => undefined);
          if (!cli.signal.aborted) await again(cli, await gateway.status(), options);
        }
      }),
    );
}

async function again(cli: Cli, status: Status, options: StatusOptions): Promise<void> {
  if (cli.terminal.live && !options.json) await cli.terminal.write('\u001B[H\u001B[J');
  await show(cli, status, options);
}

async function show({ terminal }: Cli, status: Status, { json, watch }: StatusOptions): Promise<void> {
  if (json) return terminal.print(JSON.stringify(status, null, watch ? undefined : 2));
  for (const line of statusLines(status, terminal, Date.now())) await terminal.print(line);
}

/** The status as lines of text. */
export function statusLines(status: Status, terminal: Pick<Terminal, 'paint'>, now: number): string[] {
  const { cloud, webdav, mount, mountProblem, cache, usage, queued } = status;
  const states = {
    live: terminal.paint('green', 'live'),
    polling: terminal.paint('yellow', 'polling every few seconds'),
    offline: terminal.paint('red', 'offline: everything cached works, changes wait'),
  };
  const why = cloud.reason === undefined ? '' : ` (${shown(cloud.reason)})`;
  const waiting = queued.files - status.parkedCount - status.behindParked;
  const uploads = `${count(waiting, 'change')}, ${size(queued.bytes)}, on the way`;
  return [
    `Fjord ${status.version}, pid ${status.pid}, for ${span(now - status.started)}, data in ${shown(status.dir)}`,
    `cloud      ${shown(cloud.url)} as ${shown(status.account)}, device "${shown(status.device)}", ${states[cloud.state]}${why}`,
    `WebDAV     ${webdav.url} (user ${webdav.user})`,
    ...(mount === null ? [] : [`mount      ${shown(mount)}`]),
    ...(mountProblem === undefined ? [] : [terminal.paint('yellow', `mount      ${notMounted(mountProblem)}`)]),
    `uploads    ${waiting > 0 ? uploads : queued.files > 0 ? 'the queued changes cannot be sent' : 'everything is in the cloud'}`,
    ...limitLines(status.limits),
    `cache      ${size(cache.used)} of ${size(cache.limit)}`,
    ...status.backups.map((set) => backupLine(set, terminal, now)),
    ...(usage === undefined ? [] : [`account    ${size(usage.used)} of ${size(usage.quota)} used`]),
    ...concerns(status, terminal),
  ];
}

function backupLine(set: BackupSet, terminal: Pick<Terminal, 'paint'>, now: number): string {
  const line = `backup     ${shown(set.name)}: ${stateWords(set, now)}`;
  return isConcern(set) ? terminal.paint('yellow', line) : line;
}

function limitLines({ up, down }: Status['limits']): string[] {
  if (up.limit === 'off' && down.limit === 'off') return [];
  return [`limits     up ${limitWords(up)}, down ${limitWords(down)}`];
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
        terminal.paint('yellow', `issue      ${shown(path)}: ${shown(reason)} (${time(at)})`),
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
