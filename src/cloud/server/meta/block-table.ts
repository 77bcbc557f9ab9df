import type { ExpressionBuilder } from 'kysely';
import { inChunks } from './chunks.ts';
import type { Caller } from './caller.ts';
import type { Edit } from './edit.ts';
import type { Content } from './manifest.ts';
import { MANY, type Database, type Db } from './schema.ts';
import { refer, storedBlocks, type StoredBlock } from './stored-blocks.ts';

/** Keeps stored blocks from collection for another grace period, as an upload counts on them; answers those that it found. */
export async function touchBlocks(
  db: Db,
  { account, device }: Caller,
  digests: readonly string[],
  now: number,
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const chunk of inChunks(digests)) {
    const rows = await db
      .updateTable('blocks')
      .set((eb) => ({ touched: now, awaited: awaitedBy(eb, device) }))
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
  const known = digests.map((digest) => edit.prefetch.block(digest));
  if (known.includes(undefined)) return await storedBlocks(await edit.connection(), edit.caller.account, digests);
  return new Map(known.flatMap((block) => (block === null || block === undefined ? [] : [[block.digest, block]])));
}

/** Who counts on a block when one more upload of the device does. */
export function awaitedBy(eb: ExpressionBuilder<Database, 'blocks'>, device: string | null) {
  const one = eb.cast<string>(eb.val(device ?? MANY), 'text');
  return eb.case().when('awaited', 'is', null).then(one).else(MANY).end();
}

/** One more version contains these blocks, each named once. They must be stored. */
export async function addReferences(edit: Edit, { digests, copied }: Content): Promise<void> {
  const known = digests.map((digest) => edit.prefetch.block(digest));
  if (!copied && known.every((block) => block !== undefined && block !== null)) {
    for (const block of known) edit.addReference(block);
    return;
  }
  const { caller, now } = edit;
  // Who copies has uploaded nothing: another upload of the device may still count on the block.
  const device = copied ? null : caller.device;
  edit.use(await refer(await edit.connection(), { account: caller.account, device }, now, { digests, count: 1 }));
  for (const block of known) if (block !== undefined && block !== null) block.refs += 1;
}

/** One version less contains these blocks, each named once. */
export async function dropReferences(edit: Edit, digests: readonly string[]): Promise<void> {
  const db = await edit.connection();
  for (const chunk of inChunks(digests)) {
    const rows = await db
      .updateTable('blocks')
      .set((eb) => ({
        refs: eb('refs', '-', 1),
        touched: edit.now,
      }))
      .where('account', '=', edit.caller.account)
      .where('digest', 'in', chunk)
      .returning(['digest', 'size', 'refs'])
      .execute();
    for (const { digest, size, refs } of rows) {
      if (refs === 0) edit.use(-size);
      const known = edit.prefetch.block(digest);
      if (known !== undefined && known !== null) known.refs = refs;
    }
  }
}
