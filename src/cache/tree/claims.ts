import type { GroupWriter, Op } from '../db/group-writer.ts';
import { type Rows, Table } from '../db/table.ts';

/** The ids of intents that were sent to the cloud together. */
interface Claim {
  readonly ids: readonly string[];
}

/**
 * Records which intents have been sent to the cloud, for the next process: one record for all intents of a batch. A
 * record is removed when none of its intents is pending any more, together with the next record that is written.
 */
export class Claims {
  readonly #table: Table<Claim>;
  /** The pending ids, by record. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #recordOf = new Map<string, string>();
  /** Records that are no longer needed but still on the disk. */
  #spent: string[] = [];
  #last = 0;

  private constructor(table: Table<Claim>) {
    this.#table = table;
  }

  static async open(rows: Rows, writer: GroupWriter): Promise<Claims> {
    const claims = new Claims(new Table<Claim>('claims', rows, writer, 1));
    for (let gt = ''; ;) {
      const page = await claims.#table.range({ gt, lt: ':', limit: 100 });
      for (const [key, { ids }] of page) {
        gt = key;
        claims.#insert(key, ids);
        claims.#last = Math.max(claims.#last, Number(key));
      }
      if (page.length < 100) return claims;
    }
  }

  has(id: string): boolean {
    return this.#recordOf.has(id);
  }

  /**
   * The ops that must be written before these intents are sent; none if they are already recorded. The caller submits
   * the ops in the same turn.
   */
  add(ids: readonly string[]): Op[] {
    const fresh = ids.filter((id) => !this.has(id));
    if (fresh.length === 0) return [];
    const key = String(++this.#last).padStart(16, '0');
    this.#insert(key, fresh);
    const spent = this.#spent;
    this.#spent = [];
    return [...spent.map((old) => this.#table.del(old)), this.#table.put(key, { ids: fresh })];
  }

  /** To be called when an intent was executed or refused, so that it is no longer pending under this id. */
  remove(id: string): void {
    const key = this.#recordOf.get(id);
    if (key === undefined) return;
    this.#recordOf.delete(id);
    const waiting = this.#waiting.get(key);
    waiting?.delete(id);
    if (waiting === undefined || waiting.size > 0) return;
    this.#waiting.delete(key);
    this.#spent.push(key);
  }

  /** Keeps only these ids of those that an earlier process left. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of Array.from(this.#recordOf.keys())) if (!ids.has(id)) this.remove(id);
  }

  #insert(key: string, ids: readonly string[]): void {
    this.#waiting.set(key, new Set(ids));
    for (const id of ids) this.#recordOf.set(id, key);
  }
}
