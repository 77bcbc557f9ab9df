import type { BackupSet } from '../daemon/control/wire.ts';
import { exitCode } from './exit.ts';

/** Lets the command end with the code for backups that are overdue, if one is. */
export function noteOverdue(sets: readonly BackupSet[]): void {
  if (sets.some(({ overdue }) => overdue !== undefined)) process.exitCode = exitCode('overdue');
}
