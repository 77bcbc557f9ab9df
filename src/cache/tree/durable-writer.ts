import type { Database } from '../db/database.ts';
import type { Entry } from './entry.ts';
import type { BatchWriter, Op } from '../db/group-writer.ts';
import type { PendingIntent } from './journal.ts';

/**
 * Every batch survives the loss of power when it is answered, and so does the content that it promises: that is on the
 * disk before. Content that somebody still writes is not promised yet.
 */
export class DurableWriter implements BatchWriter {
  readonly #db: Database;
  readonly #syncContents: (staged: ReadonlySet<string>) => Promise<void>;

  /** `syncContents` brings staged files to the disk. */
  constructor(db: Database, syncContents: (staged: ReadonlySet<string>) => Promise<void>) {
    this.#db = db;
    this.#syncContents = syncContents;
  }

  checkRoom(): void {
    this.#db.checkRoom();
  }

  async write(ops: readonly Op[], _sync: boolean): Promise<void> {
    const staged = promised(ops);
    await this.#db.write(ops, true, { before: () => this.#syncContents(staged) });
  }
}

/** The staged files that puts name which are complete, or entries of files that stay here. */
function promised(ops: readonly Op[]): Set<string> {
  const staged = new Set<string>();
  for (const { type, table, value } of ops) {
    if (type !== 'put') continue;
    const { staged: id, writing, local } = value as Partial<PendingIntent & Pick<Entry, 'local'>>;
    const complete = table === 'journal' ? writing !== true : table === 'entries' && local === true;
    if (id !== undefined && complete) staged.add(id);
  }
  return staged;
}
