import type { GroupWriter, Op } from '../db/group-writer.ts';
import { type Rows, Table } from '../db/table.ts';

/** The ids of intents that were handed to the cloud together. */
interface Claim {
  readonly ids: readonly string[];
}

/**
 * Which intents have been handed to the cloud, for the process that comes after this one: one record for all that went
 * together, however many. It goes when none of them waits any more, with the next record that is written.
 */
export class Claims {
  readonly #table: Table<Claim>;
  /** The ids that still wait, by record. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #recordOf = new Map<string, string>();
  /** Records without a purpose that are still on the disk. */
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

  /** To be written before these are sent; nothing where that is known already. Submit the ops in the same turn. */
  add(ids: readonly string[]): Op[] {
    const fresh = ids.filter((id) => !this.has(id));
    if (fresh.length === 0) return [];
    const key = String(++this.#last).padStart(16, '0');
    this.#insert(key, fresh);
    const spent = this.#spent;
    this.#spent = [];
    return [...spent.map((old) => this.#table.del(old)), this.#table.put(key, { ids: fresh })];
  }

  /** It has been executed, or refused: it waits no more under this id. */
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

  /** Of what an earlier process left only these ids still wait. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of Array.from(this.#recordOf.keys())) if (!ids.has(id)) this.remove(id);
  }

  #insert(key: string, ids: readonly string[]): void {
    this.#waiting.set(key, new Set(ids));
    for (const id of ids) this.#recordOf.set(id, key);
  }
}
