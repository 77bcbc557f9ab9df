import { Refusal } from '../refusal.ts';
import { inChunks } from './chunks.ts';
import type { Edit } from './edit.ts';
import type { BlockRow, Db } from './schema.ts';

/** A block that is stored, and how many versions contain it. */
export type StoredBlock = Pick<BlockRow, 'digest' | 'size' | 'refs'>;

/** Those of the digests that are stored. Only the state `stored` counts: a condemned block may vanish at any time. */
export async function storedBlocks(
  db: Db,
  account: string,
  digests: readonly string[],
): Promise<Map<string, StoredBlock>> {
  const found = new Map<string, StoredBlock>();
  for (const chunk of inChunks(digests)) {
    const rows = await db
      .selectFrom('blocks')
      .select(['digest', 'size', 'refs'])
      .where('account', '=', account)
      .where('digest', 'in', chunk)
      .where('state', '=', 'stored')
      .execute();
    for (const row of rows) found.set(row.digest, row);
  }
  return found;
}

/** Keeps stored blocks from collection for another grace period; answers those that it found. */
export async function touchBlocks(
  db: Db,
  account: string,
  digests: readonly string[],
  now: number,
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const chunk of inChunks(digests)) {
    const rows = await db
      .updateTable('blocks')
      .set({ touched: now })
      .where('account', '=', account)
      .where('digest', 'in', chunk)
      .where('state', '=', 'stored')
      .returning('digest')
      .execute();
    for (const { digest } of rows) found.add(digest);
  }
  return found;
}

/** One more version contains these blocks, each named once. They must be stored. */
export async function addReferences(edit: Edit, digests: readonly string[]): Promise<void> {
  for (const chunk of inChunks(digests)) {
    const rows = await edit.db
      .updateTable('blocks')
      .set((eb) => ({ refs: eb('refs', '+', 1), touched: edit.now }))
      .where('account', '=', edit.caller.account)
      .where('digest', 'in', chunk)
      .where('state', '=', 'stored')
      .returning(['size', 'refs'])
      .execute();
    if (rows.length !== chunk.length) throw new Refusal('internal', 'a block vanished inside a transaction');
    edit.use(sum(rows.filter(({ refs }) => refs === 1)));
  }
}

/** One version less contains these blocks, each named once. */
export async function dropReferences(edit: Edit, digests: readonly string[]): Promise<void> {
  for (const chunk of inChunks(digests)) {
    const rows = await edit.db
      .updateTable('blocks')
      .set((eb) => ({ refs: eb('refs', '-', 1), touched: edit.now }))
      .where('account', '=', edit.caller.account)
      .where('digest', 'in', chunk)
      .returning(['size', 'refs'])
      .execute();
    edit.use(-sum(rows.filter(({ refs }) => refs === 0)));
  }
}

function sum(blocks: readonly { size: number }[]): number {
  return blocks.reduce((total, { size }) => total + size, 0);
}
