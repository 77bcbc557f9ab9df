import { CompiledQuery, type Insertable, type InsertQueryBuilder, type InsertResult } from 'kysely';
import type { Database, Db } from './schema.ts';

/** Rows of one statement: as many as fit of the first, the rest by the next. */
const SIZES = [100, 10, 1];

type Insert<Table extends keyof Database> = InsertQueryBuilder<Database, Table, InsertResult>;

/**
 * Inserts many rows into one table by few statements of few texts: to build and prepare a statement for each list takes longer
 * than to run it. Keeps the texts, which are of one kind of database.
 */
export class Inserter<Table extends keyof Database> {
  readonly #table: Table;
  readonly #ending: (insert: Insert<Table>) => Insert<Table>;
  readonly #texts = new Map<string, string>();

  /** @param ending adds what follows the rows, as what happens to those that exist */
  constructor(table: Table, ending: (insert: Insert<Table>) => Insert<Table> = (insert) => insert) {
    this.#table = table;
    this.#ending = ending;
  }

  /** Inserts rows, which all have the columns of the first. Resolves to how many were inserted. */
  async insert(db: Db, rows: readonly Insertable<Database[Table]>[]): Promise<number> {
    const [first] = rows;
    if (first === undefined) return 0;
    const columns = Object.keys(first).sort();
    let inserted = 0;
    let at = 0;
    for (const size of SIZES) {
      for (; rows.length - at >= size; at += size) {
        const query = CompiledQuery.raw(this.#text(db, columns, size), valuesOf(rows, columns, at, at + size));
        inserted += Number((await db.executeQuery(query)).numAffectedRows ?? 0);
      }
    }
    return inserted;
  }

  #text(db: Db, columns: readonly string[], size: number): string {
    const key = `${size} ${columns.join()}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const row = Object.fromEntries(columns.map((column) => [column, 0]));
    const rows = Array.from({ length: size }, () => row) as unknown as Insertable<Database[Table]>[];
    const text = this.#ending(db.insertInto(this.#table).values(rows)).compile().sql;
    this.#texts.set(key, text);
    return text;
  }
}

function valuesOf(rows: readonly object[], columns: readonly string[], start: number, end: number): unknown[] {
  const values: unknown[] = [];
  for (let at = start; at < end; at++) {
    const row = rows[at] as Record<string, unknown>;
    for (const column of columns) values.push(row[column]);
  }
  return values;
}
