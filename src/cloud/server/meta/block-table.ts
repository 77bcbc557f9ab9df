import { inChunks } from './chunks.ts';
import type { Edit } from './edit.ts';
import type { Db } from './schema.ts';
import { refer, storedBlocks, type StoredBlock } from './stored-blocks.ts';

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

/** As `storedBlocks`; those that an edit has read ahead are not read again. */
export async function storedBlocksOf(edit: Edit, digests: readonly string[]): Promise<Map<string, StoredBlock>> {
  const known = digests.map((digest) => edit.foresight.block(digest));
  if (known.includes(undefined)) return await storedBlocks(await edit.connection(), edit.caller.account, digests);
  return new Map(known.flatMap((block) => (block === null || block === undefined ? [] : [[block.digest, block]])));
}

/** One more version contains these blocks, each named once. They must be stored. */
export async function addReferences(edit: Edit, digests: readonly string[]): Promise<void> {
  const known = digests.map((digest) => edit.foresight.block(digest));
  if (known.every((block) => block !== undefined && block !== null)) {
    for (const block of known) edit.addReference(block);
    return;
  }
  const db = await edit.connection();
  edit.use(await refer(db, edit.caller.account, edit.now, digests, 1));
  for (const block of known) if (block !== undefined && block !== null) block.refs += 1;
}

/** One version less contains these blocks, each named once. */
export async function dropReferences(edit: Edit, digests: readonly string[]): Promise<void> {
  const db = await edit.connection();
  for (const chunk of inChunks(digests)) {
    const rows = await db
      .updateTable('blocks')
      .set((eb) => ({ refs: eb('refs', '-', 1), touched: edit.now }))
      .where('account', '=', edit.caller.account)
      .where('digest', 'in', chunk)
      .returning(['digest', 'size', 'refs'])
      .execute();
    for (const { digest, size, refs } of rows) {
      if (refs === 0) edit.use(-size);
      const known = edit.foresight.block(digest);
      if (known !== undefined && known !== null) known.refs = refs;
    }
  }
}
