import type { Op } from '../db/group-writer.ts';
import { isFork, type StagedRecord } from './staged-record.ts';
import type { Table } from '../db/table.ts';

/** Which staged files are based on which. */
export class Forks {
  readonly #byParent = new Map<string, Set<string>>();

  /** Learns of the files that are there; answers what removes the records of those that are not. */
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

  /** Nothing is based on it any more. */
  free(parent: string): void {
    this.#byParent.delete(parent);
  }

  /** A file is gone: answers its parent, if it was the last that was based on it. */
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
