import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quote, sh } from '../lib/shell.ts';
import type { Mounted } from './contestant.ts';
import type { Material } from './material.ts';

/** One contestant's go at all the work. */
export interface Turn {
  readonly mounted: Mounted;
  readonly material: Material;
  readonly note: (figure: string, value: number) => void;
}

/** Part of the measurements. */
export interface Work {
  /** As people choose it by `--only`. */
  readonly id: string;
  readonly rows: readonly Row[];
  readonly run: (turn: Turn) => Promise<void>;
}

export interface Row {
  readonly figure: string;
  readonly unit: 'ms' | 's' | 'MB/s' | '/s' | 'MB';
}

/** True where more is better. */
export function moreIsBetter({ unit }: Row): boolean {
  return unit.endsWith('/s');
}

/** Name of the tree that `tar` leaves for the work after it. */
export const TREE = 'tree';

/** The tree of small files, unpacked if nobody has done it yet. */
export async function tree({ mounted, material }: Turn): Promise<string> {
  const path = join(mounted.dir, TREE);
  if (await exists(path)) return path;
  await sh(`mkdir ${quote(path)} && tar xf ${quote(material.tar.path)} -C ${quote(path)}`);
  await mounted.stored?.({ name: TREE, archive: false, files: material.tar.files, bytes: material.tar.bytes });
  return path;
}

/** Answers when the path is there; gives up after so many ms. */
export async function appears(path: string, patience = 60_000): Promise<void> {
  for (const until = Date.now() + patience; !(await exists(path)); await sleep(5)) {
    if (Date.now() > until) throw new Error(`${path} does not appear`);
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
