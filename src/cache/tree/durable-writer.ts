import type { Database } from '../db/database.ts';
import type { Entry } from './entry.ts';
import type { BatchWriter, Op } from '../db/group-writer.ts';
import type { PendingIntent } from './journal.ts';

/**
 * Every batch survives a power loss once it resolves, and so does the content that it refers to, which is synced first.
 * Content that is still being written is not included.
 */
export class DurableWriter implements BatchWriter {
  readonly #db: Database;
  readonly #syncContents: (staged: ReadonlySet<string>) => Promise<void>;

  /** @param syncContents syncs staged files */
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

/** The complete staged files that puts refer to, and those of entries that stay on this computer. */
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
