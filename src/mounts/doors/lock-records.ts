import type { GroupWriter } from '../../cache/db/group-writer.ts';
import { type Rows, Table } from '../../cache/db/table.ts';
import type { Lock } from '../../webdav/locks/lock.ts';
import type { LockStore } from '../../webdav/locks/lock-store.ts';

/** Locks per page of a listing. */
const PAGE = 500;

/** Stores the locks of the WebDAV door in the gateway's database, so that they survive a restart. */
export class LockRecords implements LockStore {
  readonly #table: Table<Lock>;
  readonly #writer: GroupWriter;

  constructor(rows: Rows, writer: GroupWriter) {
    this.#table = new Table<Lock>('locks', rows, writer, 1);
    this.#writer = writer;
  }

  async load(): Promise<Lock[]> {
    const locks: Lock[] = [];
    for (let gt = ''; ;) {
      const page = await this.#table.range({ gt, lt: '\u{10FFFF}', limit: PAGE });
      for (const [, lock] of page) locks.push(lock);
      const last = page.at(-1);
      if (page.length < PAGE || last === undefined) return locks;
      gt = last[0];
    }
  }

  async save(lock: Lock): Promise<void> {
    await this.#writer.write([this.#table.put(lock.token, lock)]);
  }

  async remove(token: string): Promise<void> {
    await this.#writer.write([this.#table.del(token)]);
  }
}
