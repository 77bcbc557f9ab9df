import type { ProblemKind } from '../daemon/problem.ts';

/** The meaning of each exit code. `fjord --help` and `docs/cli.md` show this table. */
export const EXITS = [
  [0, 'done'],
  [1, 'it failed'],
  [2, 'the command, its options or the settings are wrong'],
  [3, 'Fjord is not running here, or the cloud cannot be reached'],
  [4, 'there is no such file, folder, version or account'],
  [5, 'refused: the rules of the folder, or a wrong password, do not allow it'],
  [6, 'something is in the way: it exists, is in use, was changed meanwhile, or is parked'],
  [7, 'no room: disk or quota is full'],
  [8, 'stored content is lost or damaged'],
  [9, 'a backup has not been complete for longer than its schedule allows (`status`, `backup status`)'],
  [10, 'something needs a person (`issues`)'],
  [130, 'interrupted'],
] as const;

const CODES = {
  failure: 1,
  usage: 2,
  unreachable: 3,
  'not-found': 4,
  refused: 5,
  conflict: 6,
  'no-room': 7,
  damaged: 8,
  overdue: 9,
  pending: 10,
  interrupted: 130,
} as const satisfies Record<ProblemKind, (typeof EXITS)[number][0]>;

export function exitCode(kind: ProblemKind): number {
  return CODES[kind];
}
