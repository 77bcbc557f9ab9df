import type { BackupSet, BackupState, Freed, Pinned, Restored, Status } from '../../daemon/control/wire.ts';
import { dateTime, shown, size } from '../format.ts';

/** All texts of the status page. */
export const texts = {
  title: 'Fjord on this computer',
  loading: 'Loading…',
  signedOut: 'This page is not signed in any more. Use the command `fjord open`.',
  gone: 'Fjord does not respond. What is shown is from before.',
  ended: 'Fjord has ended. Start it again with `fjord start` or `fjord up`.',
  quit: 'Quit',
  quitTitle: 'Quit Fjord?',
  quitText: 'The drive is unmounted when everything is in the cloud. Backups stop until Fjord is started again.',
  health: {
    fine: 'Everything is in the cloud.',
    working: (changes: number, bytes: number) => `${count(changes, 'change')} on the way, ${size(bytes)}.`,
    offline: 'The cloud cannot be reached. Everything that is cached works, and changes wait.',
    attention: (things: number) => `${count(things, 'thing')} ${things === 1 ? 'needs' : 'need'} you.`,
    rates: (up: string, down: string) => `${up} up, ${down} down`,
    rest: (bytes: number) => `${size(bytes)} to go`,
    left: (seconds: number) => `about ${span(seconds)} left`,
  },
  attention: {
    title: 'Needs you',
    advice: 'Advice',
    all: 'Fjord',
    keep: { mine: "Keep this computer's", theirs: 'Keep the other', both: 'Keep both' },
    retry: 'Try all again',
    confirm: 'It is right, go on',
    mount: 'Mount it',
    rename: (name: string) => `Rename it to ${name}`,
    accept: 'Accept',
    decline: 'Decline',
  },
  backups: {
    title: 'Backups',
    none: 'No folder of this computer is backed up.',
    add: 'Back up a folder',
    run: 'Run now',
    pause: 'Pause',
    resume: 'Resume',
    verified: (at: number, damaged: number) =>
      damaged === 0 ? `verified ${dateTime(at)}` : `verified ${dateTime(at)}: ${damaged.toLocaleString()} damaged`,
    unverified: 'not verified yet',
    schedule: 'When',
    schedules: {
      continuous: 'All the time',
      'every 4h': 'Every four hours',
      'daily 02:00': 'Every night at two',
      'weekdays 22:00-06:00': 'On weekdays from 22:00 to 6:00',
      manual: 'When I say so',
    },
    choose: 'Back up this folder',
    up: 'The folder above',
    here: (folder: string) => `Folders in ${shown(folder)}`,
    verify: 'Verify',
    verifying: (files: number, bytes: number) => `verifying: ${count(files, 'file')}, ${size(bytes)} compared`,
    found: (changed: number, damage: number) =>
      `${damage === 0 ? 'verified, nothing is damaged' : `verified: ${damage.toLocaleString()} damaged`}${changed === 0 ? '' : `; ${changed.toLocaleString()} changed since the last run`}`,
    restore: 'Restore',
    restoreTitle: (set: string) => `Restore "${set}" into a folder`,
    restoreText: (set: string) =>
      `It comes into a folder "${set}" in the chosen one. What is there already stays as it is, and nothing in the cloud changes.`,
    restoreHere: 'Restore here',
    restoring: 'restoring',
    restored: (done: number, all: number) => `restoring: ${done.toLocaleString()} of ${count(all, 'file')}`,
    restoredTo: ({ target, files, kept, missed, first }: Restored) =>
      [
        `restored ${count(files, 'file')} to ${shown(target)}`,
        ...(kept > 0 ? [`${kept.toLocaleString()} were there already`] : []),
        ...(missed > 0
          ? [`${missed.toLocaleString()} not: ${shown(first?.path ?? '')}: ${shown(first?.reason ?? '')}`]
          : []),
      ].join(', '),
  },
  drive: {
    title: 'This computer',
    account: 'Account',
    device: 'Computer',
    cloud: 'Cloud',
    mount: 'Mounted on',
    webdav: 'WebDAV',
    cache: 'Cache',
    usage: 'Used in the cloud',
    data: 'Data folder',
    version: 'Version',
    verified: 'Verified',
    of: (used: number, all: number) => `${size(used)} of ${size(all)}`,
    notMounted: 'not mounted',
  },
  pins: {
    title: 'On this computer',
    text: 'Pinned files and folders are always on this computer, also offline. Freed ones are fetched again when they are read.',
    path: 'Path in the drive, such as /Sync/Music',
    pin: 'Pin',
    free: 'Free',
    unpin: 'Unpin',
    unpinOf: (path: string) => `Unpin ${path}`,
    state: ({ files, bytes, missing, unfit }: Pinned) =>
      `${count(files, 'file')}, ${size(bytes)}` +
      (missing.files === 0 ? ', all here' : `; ${size(missing.bytes)} still to come`) +
      (unfit.files === 0 ? '' : `, of which the cache has no room for ${size(unfit.bytes)}`),
    freed: ({ files, bytes, pinned }: Freed) =>
      `${count(files, 'file')} freed, ${size(bytes)}` +
      (pinned === 0 ? '' : `; ${pinned.toLocaleString()} stay: pinned`),
  },
  limits: {
    title: 'Limits of bandwidth',
    up: 'Sent, such as 2M or off',
    down: 'Received, such as 10M or off',
    set: 'Set',
  },
  log: { title: 'Log', show: 'Show the end of the log', hide: 'Hide', empty: 'The log is empty.' },
  cancel: 'Cancel',
  states: {
    live: 'connected, changes arrive at once',
    polling: 'connected, asked every few seconds',
    offline: 'offline',
  } satisfies Record<Status['cloud']['state'], string>,
};

/** When the drive was last proven to be what the cloud has. */
export function verifiedText({ at, nodes = 0, repaired, running, problem }: Status['cloud']['verified']): string {
  const proof = at === undefined ? 'not yet' : `${dateTime(at)}: ${nodes.toLocaleString()} entries as in the cloud`;
  const mended =
    repaired === undefined ? '' : `, ${repaired.entries.toLocaleString()} repaired ${dateTime(repaired.at)}`;
  const state = running ? ', being verified now' : problem === undefined ? '' : `; the last try: ${problem}`;
  return proof + mended + state;
}

export function count(number: number, what: string): string {
  return `${number.toLocaleString()} ${what}${number === 1 ? '' : 's'}`;
}

export function span(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** What a set does. */
export function stateText({ state, finished }: BackupSet): string {
  const done = finished === undefined ? 'not complete yet' : `complete as of ${dateTime(finished)}`;
  switch (state.doing) {
    case 'running':
      return runningText(state);
    case 'watching':
      return `${done}, ${state.scanning === undefined ? 'watching' : `compared from time to time, as ${shown(state.scanning)}`}`;
    case 'waiting':
      return `${done}, ${state.next === undefined ? 'runs when asked to' : `next: ${dateTime(state.next)}`}`;
    case 'paused':
      return state.until === undefined ? 'paused' : `paused until ${dateTime(state.until)}`;
    case 'deferred':
      return `${done}, waits: ${shown(state.reason)}`;
    case 'halted':
      return `waits: ${shown(state.reason)}`;
    default:
      return `failed: ${shown(state.reason)}; next try: ${dateTime(state.next)}`;
  }
}

function runningText({ progress, silent }: BackupState & { readonly doing: 'running' }): string {
  const waits = silent === undefined ? '' : `; its disk has not answered for ${span(silent / 1000)}`;
  if (progress === undefined || progress.total.files === 0) return `comparing${waits}`;
  const { done, total, current } = progress;
  const file = current === undefined ? '' : `, ${shown(current)}`;
  return `${done.files.toLocaleString()} of ${count(total.files, 'file')}, ${size(done.bytes)} of ${size(total.bytes)}${file}${waits}`;
}
