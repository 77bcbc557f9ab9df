import { Type } from 'typebox';
import type { BackupSet } from '../backup/agent/backup-set.ts';
import { readJson, writeJson } from './secrets.ts';

const Text = Type.String({ minLength: 1 });

const SetsSchema = Type.Object({
  sets: Type.Array(
    Type.Object({
      name: Text,
      folder: Text,
      schedule: Type.Optional(Text),
      exclude: Type.Optional(Type.Array(Text)),
      oneFileSystem: Type.Optional(Type.Boolean()),
      volume: Type.Optional(
        Type.Object({
          kind: Type.Union([Type.Literal('uuid'), Type.Literal('marker')]),
          id: Text,
          point: Type.Optional(Text),
        }),
      ),
      space: Type.Optional(Text),
      paused: Type.Optional(Type.Object({ until: Type.Optional(Type.Number()) })),
      halt: Type.Optional(
        Type.Object({
          kind: Type.Union([
            Type.Literal('vanished'),
            Type.Literal('other-volume'),
            Type.Literal('emptied'),
            Type.Literal('mass-removal'),
            Type.Literal('mass-change'),
          ]),
          reason: Type.String(),
        }),
      ),
      added: Type.Optional(Type.Number()),
      onFailure: Type.Optional(Text),
      started: Type.Optional(Type.Number()),
      finished: Type.Optional(Type.Number()),
      verified: Type.Optional(Type.Object({ at: Type.Number(), damaged: Type.Number() })),
      problems: Type.Optional(Type.Number()),
    }),
  ),
});

/** The folders that were chosen to be mirrored, from the file that they are kept in. @throws EIO if it is damaged */
export async function readSets(file: string): Promise<BackupSet[]> {
  return ((await readJson(file, SetsSchema)) ?? { sets: [] }).sets;
}

/** Undefined properties are left out. */
export async function writeSets(file: string, sets: readonly BackupSet[]): Promise<void> {
  await writeJson(file, { sets });
}
