import { CompiledQuery, type Insertable, type InsertQueryBuilder, type InsertResult } from 'kysely';
import type { Database, Db } from './schema.ts';

/** Rows of one statement: as many as fit of the first, the rest by the next. */
const SIZES = [100, 10, 1];
/** Most texts that are kept. */
const TEXTS = 200;

type Insert<Table extends keyof Database> = InsertQueryBuilder<Database, Table, InsertResult>;

/** Columns of a statement: first those whose value all of its rows have, which is bound once. */
interface Columns {
  readonly shared: readonly string[];
  readonly own: readonly string[];
}

/**
 * Inserts many rows into one table by few statements of few texts: to build and prepare a statement for each list takes longer
 * than to run it, and to bind a value half as long as to store it. Keeps the texts, which are of one kind of database.
 */
export class Inserter<Table extends keyof Database> {
  readonly #table: Table;
  readonly #ending: (insert: Insert<Table>) => Insert<Table>;
  readonly #texts = new Map<string, string>();

  /** @param ending adds what follows the rows, as what happens to those that exist; it binds nothing */
  constructor(table: Table, ending: (insert: Insert<Table>) => Insert<Table> = (insert) => insert) {
    this.#table = table;
    this.#ending = ending;
  }

  /** Inserts rows, which all have the columns of the first. Resolves to how many were inserted. */
  async insert(db: Db, rows: readonly Insertable<Database[Table]>[]): Promise<number> {
    const [first] = rows;
    if (first === undefined) return 0;
    const names = Object.keys(first).sort();
    let inserted = 0;
    let at = 0;
    for (const size of SIZES) {
      for (; rows.length - at >= size; at += size) {
        const some = rows.slice(at, at + size) as readonly Row[];
        const columns = columnsOf(some, names);
        const query = CompiledQuery.raw(this.#text(db, columns, size), valuesOf(some, columns));
        inserted += Number((await db.executeQuery(query)).numAffectedRows ?? 0);
      }
    }
    return inserted;
  }

  #text(db: Db, columns: Columns, size: number): string {
    const { shared, own } = columns;
    const key = `${size} ${shared.join()} ${own.join()}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const row = Object.fromEntries([...shared, ...own].map((column) => [column, 0]));
    const rows = Array.from({ length: size }, () => row) as unknown as Insertable<Database[Table]>[];
    const text = sharing(this.#ending(db.insertInto(this.#table).values(rows)).compile().sql, columns);
    if (this.#texts.size >= TEXTS) this.#texts.clear();
    this.#texts.set(key, text);
    return text;
  }
}

type Row = Readonly<Record<string, unknown>>;

function columnsOf(rows: readonly Row[], names: readonly string[]): Columns {
  const [first] = rows;
  if (first === undefined || rows.length === 1) return { shared: [], own: names };
  const shared = names.filter((name) => rows.every((row) => row[name] === first[name]));
  return { shared, own: names.filter((name) => !shared.includes(name)) };
}

/**
 * Gives the shared columns of all rows the parameters of those of the first. In SQLite a `?` has the number after the highest
 * before it, so those of the other columns stay as they are.
 */
function sharing(text: string, { shared, own }: Columns): string {
  if (shared.length === 0) return text;
  const width = shared.length + own.length;
  let at = 0;
  return text.replaceAll(/\?|\$\d+/g, (parameter) => {
    const [row, column] = [Math.floor(at / width), at++ % width];
    const sign = parameter.charAt(0);
    if (column < shared.length) return `${sign}${column + 1}`;
    return sign === '?' ? sign : `${sign}${row * own.length + column + 1}`;
  });
}

function valuesOf(rows: readonly Row[], { shared, own }: Columns): unknown[] {
  const values: unknown[] = shared.map((column) => rows[0]?.[column]);
  for (const row of rows) for (const column of own) values.push(row[column]);
  return values;
}
