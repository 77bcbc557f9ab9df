import { basename } from 'node:path';
import { Type, type Static } from 'typebox';
import type { Context } from '../vfs/context.ts';
import { FsError } from '../vfs/fs-error.ts';
import { checkName } from '../vfs/name.ts';
import type { OnProgress } from './control/controls.ts';
import type { BackupBody, BackupSet } from './control/wire.ts';
import { readJson, writeJson } from './secrets.ts';

const SetsSchema = Type.Object({
  sets: Type.Array(
    Type.Object({
      name: Type.String({ minLength: 1 }),
      folder: Type.String({ minLength: 1 }),
      /** When its last complete run ended, ms. */
      finished: Type.Optional(Type.Number()),
    }),
  ),
});
type Sets = Static<typeof SetsSchema>['sets'];

export interface RunOptions {
  readonly onProgress: OnProgress;
  /** Lets a run go on that paused before a mass removal. */
  readonly confirm: boolean;
}

/** What mirrors a folder. */
export interface BackupEngine {
  /** The folder's real path. @throws FsError with a reason that names the other folder, if it may not be mirrored */
  check(folder: string, others: readonly BackupSet[]): Promise<string>;
  /** One pass. Answers what was left out, if something was. @throws FsError; EBUSY when it waits for `confirm` */
  run(set: BackupSet, options: RunOptions, context: Context): Promise<FsError | undefined>;
  /** Gives the mirror up. @throws FsError */
  remove(name: string, context: Context): Promise<void>;
}

export interface BackupControlsOptions {
  /** Where the chosen folders are kept. */
  readonly file: string;
  readonly engine: BackupEngine;
  readonly now: () => number;
}

/** The folders that were chosen to be mirrored, and their runs: one at a time for each set. */
export class BackupControls {
  readonly #file: string;
  readonly #engine: BackupEngine;
  readonly #now: () => number;
  readonly #running = new Set<string>();
  #changing: Promise<unknown> = Promise.resolve();

  constructor({ file, engine, now }: BackupControlsOptions) {
    this.#file = file;
    this.#engine = engine;
    this.#now = now;
  }

  list(): Promise<BackupSet[]> {
    return readSets(this.#file);
  }

  /** @throws EEXIST; and what the engine says about the folder */
  add({ folder, name = basename(folder) }: BackupBody): Promise<BackupSet> {
    return this.#change(async (sets) => {
      checkName(name, 'backup');
      if (sets.some((set) => set.name === name)) {
        throw new FsError('EEXIST', 'backup', {
          subject: name,
          reason: `there is a set "${name}" already; use --name`,
        });
      }
      const set = { name, folder: await this.#engine.check(folder, sets) };
      return [[...sets, set], set];
    });
  }

  /** @throws ENOENT, EBUSY */
  remove(name: string, context: Context): Promise<void> {
    return this.#change(async (sets) => {
      find(sets, name);
      if (this.#running.has(name)) throw new FsError('EBUSY', 'backup', { subject: name, reason: 'it runs just now' });
      await this.#engine.remove(name, context);
      return [sets.filter((set) => set.name !== name), undefined];
    });
  }

  /** @throws ENOENT, EBUSY; what the engine says; what was left out, when all else is done */
  async run(name: string, options: RunOptions, context: Context): Promise<void> {
    const set = find(await this.list(), name);
    if (this.#running.has(name)) throw new FsError('EBUSY', 'backup', { subject: name, reason: 'it runs already' });
    this.#running.add(name);
    let left: FsError | undefined;
    try {
      left = await this.#engine.run(set, options, context);
    } finally {
      this.#running.delete(name);
    }
    const finished = this.#now();
    await this.#change((sets) => {
      const updated = sets.map((one) => (one.name === name ? { ...one, finished } : one));
      return Promise.resolve([updated, undefined]);
    });
    if (left !== undefined) throw left;
  }

  /** Changes the list, one change after the other. */
  async #change<T>(change: (sets: Sets) => Promise<[Sets, T]>): Promise<T> {
    const changed = this.#changing.then(async () => {
      const [sets, answer] = await change(await this.list());
      await writeJson(this.#file, { sets });
      return answer;
    });
    this.#changing = changed.catch(() => undefined);
    return changed;
  }
}

/** The folders that were chosen to be mirrored, from the file that they are kept in. @throws EIO if it is damaged */
export async function readSets(file: string): Promise<BackupSet[]> {
  return ((await readJson(file, SetsSchema)) ?? { sets: [] }).sets;
}

function find(sets: Sets, name: string): BackupSet {
  const set = sets.find((one) => one.name === name);
  if (set !== undefined) return set;
  const known = sets.length === 0 ? 'there is none yet' : `there are ${sets.map((one) => one.name).join(', ')}`;
  throw new FsError('ENOENT', 'backup', { subject: name, reason: `there is no set "${name}"; ${known}` });
}
