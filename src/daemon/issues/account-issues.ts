import type { GatewayStatus } from '../../mounts/gateway.ts';
import type { BackupSet, Shared } from '../control/wire.ts';
import type { MountState } from '../mount-point.ts';
import { type Found, issueId, word } from './issue-parts.ts';

/** The session that the cloud has ended. */
export function sessionIssues({ refused }: Pick<GatewayStatus, 'refused'>, email: string, cloud: string): Found[] {
  if (!refused) return [];
  return [
    {
      issue: {
        id: issueId('session', ''),
        kind: 'session',
        cause: 'the cloud does not accept this computer any more: its token was revoked; nothing is sent or received',
        remedy: 'stop Fjord, log in again, and start it as before; what waits here is sent then',
        command: `fjord down --no-flush && fjord login ${word(email)} --cloud ${word(cloud)}`,
      },
    },
  ];
}

export function invitationIssues(shares: readonly Shared[]): Found[] {
  return shares
    .filter(({ accepted }) => !accepted)
    .map(({ id, name, owner, role }) => ({
      issue: {
        id: issueId('invitation', id),
        kind: 'invitation',
        path: name,
        cause: `${owner} invites you to this folder as ${role}`,
        remedy: `accept it, or decline it with \`fjord decline ${word(id)}\``,
        command: `fjord accept ${word(id)}`,
      },
    }));
}

export function mountIssues({ problem }: MountState): Found[] {
  if (problem === undefined) return [];
  return [
    {
      issue: {
        id: issueId('mount', problem.dir),
        kind: 'mount',
        path: problem.dir,
        cause: `the drive is not mounted: ${problem.reason}`,
        remedy: 'remove the cause, and mount it again',
        command: `fjord mount ${word(problem.dir)}`,
      },
    },
  ];
}

/** What of a set needs a person; one that waits for its schedule, or was paused, does not. */
export function backupIssues(sets: readonly BackupSet[]): Found[] {
  return sets.flatMap((set) => {
    const { name, folder, state, problems, overdue, verified } = set;
    const issue = (what: string, cause: string, remedy: string, command: string): Found => ({
      issue: { id: issueId('backup', `${name}/${what}`), kind: 'backup', path: folder, cause, remedy, command },
    });
    const found: Found[] = [];
    if (state.doing === 'halted')
      found.push(issue('halted', `the backup "${name}" waits: ${state.reason}`, ...haltRemedy(name, state.ends)));
    if (state.doing === 'failing' && state.offline !== true)
      found.push(
        issue(
          'failing',
          `the backup "${name}" fails: ${state.reason}`,
          'remove the cause, and run it',
          `fjord backup run ${word(name)}`,
        ),
      );
    if (state.doing === 'running' && state.silent !== undefined)
      found.push(
        issue(
          'silent',
          `the backup "${name}" waits: its disk has not answered for ${Math.round(state.silent / 1000)} s`,
          'look whether the disk, or the server that it is on, can be reached; the backup goes on by itself',
          `fjord backup status ${word(name)}`,
        ),
      );
    if (problems > 0)
      found.push(
        issue(
          'problems',
          `${problems} files of the backup "${name}" could not be taken`,
          'this names them with the reasons',
          `fjord backup log ${word(name)}`,
        ),
      );
    if (overdue !== undefined && found.length === 0)
      found.push(
        issue(
          'overdue',
          `the backup "${name}" was not complete for longer than its schedule allows`,
          'run it',
          `fjord backup run ${word(name)}`,
        ),
      );
    if ((verified?.damaged ?? 0) > 0)
      found.push(
        issue(
          'damaged',
          `the mirror of the backup "${name}" is damaged`,
          'compare and send everything again',
          `fjord backup run --repair ${word(name)}`,
        ),
      );
    return found;
  });
}

function haltRemedy(name: string, ends: 'confirm' | 'run' | 'disk'): [remedy: string, command: string] {
  if (ends === 'confirm') return ['if that was meant, confirm it', 'fjord confirm'];
  if (ends === 'disk') {
    const remedy = 'connect its disk, or bring the folder back, or the right to read it; the backup goes on by itself';
    return [remedy, `fjord backup status ${word(name)}`];
  }
  return ['connect its disk; or say that this is the right one', `fjord backup run --confirm ${word(name)}`];
}
