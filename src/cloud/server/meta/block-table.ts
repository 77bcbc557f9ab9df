import type { ExpressionBuilder } from 'kysely';
import { inChunks } from './chunks.ts';
import type { Caller } from './caller.ts';
import type { Transaction } from './transaction.ts';
import type { Content } from './manifest.ts';
import { MANY, type Database, type Db, type SpaceRow } from './schema.ts';
import { countBlocks, knownBlocks } from './space-blocks.ts';
import { refer, storedBlocks, type StoredBlock } from './stored-blocks.ts';

/**
 * Protects stored blocks from collection for another grace period, because an upload counts on them. Resolves to those
 * found.
 */
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

/**
 * The stored blocks that the caller may refer to in a space: in a space of its own account all blocks of the account, in
 * others those that a version of the space contains. Blocks that the transaction has prefetched are not read again.
 */
export async function storedBlocksOf(
  transaction: Transaction,
  space: SpaceRow,
  digests: readonly string[],
): Promise<Map<string, StoredBlock>> {
  if (space.account !== transaction.caller.account) {
    const db = await transaction.connection();
    return await storedBlocks(db, space.account, [...(await knownBlocks(db, space.id, digests))]);
  }
  const known = digests.map((digest) => transaction.prefetch.block(digest));
  if (known.includes(undefined)) return await storedBlocks(await transaction.connection(), space.account, digests);
  return new Map(known.flatMap((block) => (block === null || block === undefined ? [] : [[block.digest, block]])));
}

/** The new value of `awaited` once another upload, by this device, counts on the block. */
export function awaitedBy(eb: ExpressionBuilder<Database, 'blocks'>, device: string | null) {
  const one = eb.cast<string>(eb.val(device ?? MANY), 'text');
  return eb.case().when('awaited', 'is', null).then(one).else(MANY).end();
}

/** Adds a reference from the space to each of these distinct blocks. They must be stored. */
export async function addReferences(
  transaction: Transaction,
  space: SpaceRow,
  { digests, copied }: Content,
): Promise<void> {
  const { caller, now } = transaction;
  const { account } = space;
  if (space.kind === 'shared') await countBlocks(await transaction.connection(), space.id, digests, 1, now);
  const known = account === caller.account ? digests.map((digest) => transaction.prefetch.block(digest)) : [undefined];
  if (!copied && known.every((block) => block !== undefined && block !== null)) {
    for (const block of known) transaction.addReference(block);
    return;
  }
  // A copy uploads nothing, so it does not end another upload of the device that counts on the block.
  const device = copied ? null : caller.device;
  transaction.use(
    account,
    await refer(await transaction.connection(), { account, device }, now, { digests, count: 1 }),
  );
  for (const block of known) if (block !== undefined && block !== null) block.refs += 1;
}

/** Removes a reference from the space to each of these distinct blocks. */
export async function dropReferences(
  transaction: Transaction,
  space: SpaceRow,
  digests: readonly string[],
): Promise<void> {
  const db = await transaction.connection();
  const { account } = space;
  if (space.kind === 'shared') await countBlocks(db, space.id, digests, -1, transaction.now);
  for (const chunk of inChunks(digests)) {
    const rows = await db
      .updateTable('blocks')
      .set((eb) => ({
        refs: eb('refs', '-', 1),
        touched: transaction.now,
      }))
      .where('account', '=', account)
      .where('digest', 'in', chunk)
      .returning(['digest', 'size', 'refs'])
      .execute();
    for (const { digest, size, refs } of rows) {
      if (refs === 0) transaction.use(account, -size);
      const known = account === transaction.caller.account ? transaction.prefetch.block(digest) : undefined;
      if (known !== undefined && known !== null) known.refs = refs;
    }
  }
}
