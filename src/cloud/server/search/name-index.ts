import { rm } from 'node:fs/promises';
import Libsql from 'libsql';
import type { Mark } from '../../records.ts';

/** Changes with the tables: an index of another version is made anew. */
const VERSION = 1;
/** Characters of a word that the index can look up: it has all runs of three. */
const INDEXED = 3;
/** Rows that are looked through at a time for words that are shorter than that. */
const SCANNED = 20_000;

const TABLES = `
  create table names (rowid integer primary key, id text not null unique, space text not null, name text not null);
  create table cursors (space text primary key, rev integer not null, stamp text not null);
  create virtual table runs using fts5(
    name, content = 'names', content_rowid = 'rowid', tokenize = 'trigram remove_diacritics 1'
  );
  create trigger added after insert on names begin
    insert into runs (rowid, name) values (new.rowid, new.name);
  end;
  create trigger dropped after delete on names begin
    insert into runs (runs, rowid, name) values ('delete', old.rowid, old.name);
  end;
  create trigger renamed after update of name on names when old.name <> new.name begin
    insert into runs (runs, rowid, name) values ('delete', old.rowid, old.name);
    insert into runs (rowid, name) values (new.rowid, new.name);
  end;
  pragma user_version = ${VERSION};
`;

/** A node as the index knows it. */
export interface Named {
  readonly id: string;
  readonly space: string;
  readonly name: string;
  readonly removed: number | null;
}

/**
 * The names of nodes, in a file of its own that can be lost: what is in it comes from the metadata. Calls are synchronous and take
 * milliseconds; a search of short words yields between its steps.
 */
export class NameIndex {
  readonly #database: Libsql.Database;

  private constructor(database: Libsql.Database) {
    this.#database = database;
  }

  /** Opens the index, empty if there is none or it is damaged. */
  static async open(file: string): Promise<NameIndex> {
    try {
      return new NameIndex(prepare(file));
    } catch {
      for (const suffix of ['', '-wal', '-shm']) await rm(file + suffix, { force: true });
      return new NameIndex(prepare(file));
    }
  }

  /** Up to where the changes of a space are in the index. */
  cursor(space: string): Mark {
    const row = this.#database.prepare('select rev, stamp from cursors where space = ?').get(space);
    return (row as Mark | undefined) ?? { rev: 0, stamp: '' };
  }

  /** Takes in changes of a space, in one transaction. */
  apply(space: string, nodes: readonly Named[], to: Mark): void {
    const database = this.#database;
    const keep = database.prepare(
      'insert into names (id, space, name) values (?, ?, ?) on conflict (id) do update set space = excluded.space, name = excluded.name',
    );
    const drop = database.prepare('delete from names where id = ? and space = ?');
    const move = database.prepare('insert or replace into cursors (space, rev, stamp) values (?, ?, ?)');
    database.transaction(() => {
      for (const { id, name, removed } of nodes) {
        if (removed === null) keep.run(id, space, name);
        else drop.run(id, space);
      }
      move.run(space, to.rev, to.stamp);
    })();
  }

  /** Forgets a space. */
  clear(space: string): void {
    const database = this.#database;
    database.transaction(() => {
      database.prepare('delete from names where space = ?').run(space);
      database.prepare('delete from cursors where space = ?').run(space);
    })();
  }

  /**
   * The ids of nodes of the spaces whose names contain all words, in any case and with or without accents: first those whose names
   * begin with the first word. Words of less than three characters are compared as they are, in any case of A to Z.
   * @param limit of ids of either kind
   */
  async *find(words: readonly string[], spaces: readonly string[], limit: number): AsyncGenerator<string[]> {
    const long = words.filter((word) => Array.from(word).length >= INDEXED);
    const short = words.filter((word) => !long.includes(word));
    if (long.length === 0) {
      yield* this.#scan(short, spaces, limit);
      return;
    }
    const all = long.map(quoted).join(' AND ');
    if (short.length === 0) yield this.#lookUp(`^ ${all}`, short, spaces, limit);
    yield this.#lookUp(all, short, spaces, limit);
  }

  /** Releases the file. */
  close(): void {
    this.#database.close();
  }

  #lookUp(match: string, like: readonly string[], spaces: readonly string[], limit: number): string[] {
    const rows = this.#database
      .prepare(
        `select id from runs join names on names.rowid = runs.rowid
         where runs match ? and space in (${marks(spaces)}) ${conditions(like)} limit ?`,
      )
      .all(match, ...spaces, ...like.map(pattern), limit);
    return (rows as { id: string }[]).map(({ id }) => id);
  }

  async *#scan(words: readonly string[], spaces: readonly string[], limit: number): AsyncGenerator<string[]> {
    const { last } = this.#database.prepare('select coalesce(max(rowid), 0) as last from names').get() as {
      last: number;
    };
    const page = this.#database.prepare(
      `select id from names where rowid > ? and rowid <= ? and space in (${marks(spaces)}) ${conditions(words)} limit ?`,
    );
    let left = limit;
    for (let at = 0; at < last && left > 0; at += SCANNED) {
      const rows = page.all(at, at + SCANNED, ...spaces, ...words.map(pattern), left) as { id: string }[];
      if (rows.length > 0) yield rows.map(({ id }) => id);
      left -= rows.length;
      await new Promise(setImmediate);
    }
  }
}

function prepare(file: string): Libsql.Database {
  const database = new Libsql(file);
  try {
    database.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -8192');
    const { user_version: version } = database.prepare('pragma user_version').get() as { user_version: number };
    if (version === 0) database.exec(TABLES);
    else if (version !== VERSION) throw new Error('an index of another version');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function quoted(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}

function pattern(word: string): string {
  return `%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

function marks(values: readonly string[]): string {
  return values.map(() => '?').join(', ');
}

function conditions(words: readonly string[]): string {
  return words.map(() => String.raw`and names.name like ? escape '\'`).join(' ');
}
