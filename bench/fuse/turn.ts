import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quote, sh } from '../lib/shell.ts';
import type { Mounted } from './contestant.ts';
import type { Material } from './material.ts';

/** One run of a contestant through all tasks. */
export interface Turn {
  readonly mounted: Mounted;
  readonly material: Material;
  readonly note: (figure: string, value: number) => void;
}

/** A task that is measured. */
export interface Work {
  /** Its name for `--only`. */
  readonly id: string;
  readonly rows: readonly Row[];
  readonly run: (turn: Turn) => Promise<void>;
}

export interface Row {
  readonly figure: string;
  readonly unit: 'ms' | 's' | 'MB/s' | '/s' | 'MB';
}

/** Whether a larger value is better. */
export function moreIsBetter({ unit }: Row): boolean {
  return unit.endsWith('/s');
}

/** Name of the tree that `tar` leaves for later tasks. */
export const TREE = 'tree';

/** The tree of small files, which is unpacked if it does not exist yet. */
export async function tree({ mounted, material }: Turn): Promise<string> {
  const path = join(mounted.dir, TREE);
  if (await exists(path)) return path;
  await sh(`mkdir ${quote(path)} && tar xf ${quote(material.tar.path)} -C ${quote(path)}`);
  await mounted.stored?.({ name: TREE, archive: false, files: material.tar.files, bytes: material.tar.bytes });
  return path;
}

/** Resolves when the path exists. @throws Error after `patience` ms */
export async function appears(path: string, patience = 60_000): Promise<void> {
  for (const until = Date.now() + patience; !(await exists(path)); await sleep(5)) {
    if (Date.now() > until) throw new Error(`${path} has not appeared in time`);
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
