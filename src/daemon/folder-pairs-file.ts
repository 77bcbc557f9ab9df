import { Type } from 'typebox';
import type { FolderPair } from '../local-folder/folder-pair.ts';
import { readJson, writeJson } from './secrets.ts';

const Text = Type.String({ minLength: 1 });

const PairsSchema = Type.Object({
  pairs: Type.Array(
    Type.Object({
      id: Text,
      folder: Text,
      remote: Text,
      node: Text,
      exclude: Type.Optional(Type.Array(Text)),
      only: Type.Optional(Type.Array(Text)),
      paused: Type.Optional(Type.Boolean()),
    }),
  ),
});

/** The local folders that are synced, from the file that they are kept in. @throws EIO if it is damaged */
export async function readPairs(file: string): Promise<FolderPair[]> {
  return ((await readJson(file, PairsSchema)) ?? { pairs: [] }).pairs;
}

/** Undefined properties are left out. */
export async function writePairs(file: string, pairs: readonly FolderPair[]): Promise<void> {
  await writeJson(file, { pairs });
}
