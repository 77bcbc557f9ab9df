import type { Op } from '../db/group-writer.ts';
import { isFork, type StagedRecord } from './staged-record.ts';
import type { Table } from '../db/table.ts';

/** Records which staged files are based on others. */
export class Forks {
  readonly #byParent = new Map<string, Set<string>>();

  /** Loads the records of existing files. Resolves to the ops that remove the records of the others. */
  async load(table: Table<StagedRecord>, names: ReadonlySet<string>): Promise<Op[]> {
    const ops: Op[] = [];
    for (let gt = ''; ;) {
      const page = await table.range({ gt, lt: '~', limit: 1000 });
      for (const [id, record] of page) {
        gt = id;
        if (names.has(id)) this.add(id, record);
        else ops.push(table.del(id));
      }
      if (page.length < 1000) return ops;
    }
  }

  add(id: string, { base }: StagedRecord): void {
    if (base === undefined || !isFork(base)) return;
    const forks = this.#byParent.get(base.staged) ?? new Set();
    this.#byParent.set(base.staged, forks.add(id));
  }

  of(parent: string): ReadonlySet<string> {
    return this.#byParent.get(parent) ?? NONE;
  }

  has(parent: string): boolean {
    return this.#byParent.has(parent);
  }

  /** Records that no file is based on this one any more. */
  free(parent: string): void {
    this.#byParent.delete(parent);
  }

  /** Removes a file. Returns the file that it was based on, if no other file is based on that one. */
  remove(id: string, { base }: StagedRecord): string | undefined {
    if (base === undefined || !isFork(base)) return undefined;
    const forks = this.#byParent.get(base.staged);
    forks?.delete(id);
    if (forks === undefined || forks.size > 0) return undefined;
    this.#byParent.delete(base.staged);
    return base.staged;
  }
}

const NONE: ReadonlySet<string> = new Set();
