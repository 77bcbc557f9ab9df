import { Refusal } from '../refusal.ts';
import { inChunks } from './chunks.ts';
import type { Caller } from './caller.ts';
import type { BlockRow, Db } from './schema.ts';

/** A stored block and the number of versions that contain it. */
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

/**
 * Adds a number of references to each block. The blocks must be stored or be contained in other versions. Resolves to
 * the bytes of those that no version contained before. (A copy of a version with damaged blocks is damaged, too, and
 * healed together with it.) This also commits the upload of the caller's device that counted on the blocks.
 */
export async function refer(
  db: Db,
  { account, device }: Caller,
  now: number,
  { digests, count }: { readonly digests: readonly string[]; readonly count: number },
): Promise<number> {
  let bytes = 0;
  for (const chunk of inChunks(digests)) {
    const rows = await db
      .updateTable('blocks')
      .set((eb) => ({
        refs: eb('refs', '+', count),
        touched: now,
        awaited: eb.fn<string | null>('nullif', ['awaited', eb.cast(eb.val(device), 'text')]),
      }))
      .where('account', '=', account)
      .where('digest', 'in', chunk)
      .where((eb) => eb.or([eb('state', '=', 'stored'), eb('refs', '>', 0)]))
      .returning(['size', 'refs'])
      .execute();
    if (rows.length !== chunk.length) throw new Refusal('internal', 'a block vanished inside a transaction');
    for (const { size, refs } of rows) if (refs === count) bytes += size;
  }
  return bytes;
}
