import type { BlockRow, Db } from './schema.ts';

/** The state of a block, and under which generation it has it. */
export async function stateOf(
  db: Db,
  account: string,
  digest: string,
): Promise<Pick<BlockRow, 'state' | 'generation'> | undefined> {
  return await db
    .selectFrom('blocks')
    .select(['state', 'generation'])
    .where('account', '=', account)
    .where('digest', '=', digest)
    .executeTakeFirst();
}

/** A stored block counts as missing from now on; returns false if it was uploaded anew or removed since `generation`. */
export async function markDamaged(db: Db, account: string, digest: string, generation: string): Promise<boolean> {
  const row = await db
    .updateTable('blocks')
    .set({ state: 'damaged' })
    .where('account', '=', account)
    .where('digest', '=', digest)
    .where('generation', '=', generation)
    .where('state', '=', 'stored')
    .returning('digest')
    .executeTakeFirst();
  return row !== undefined;
}

/** A damaged block whose bytes turned out to be right counts as stored again. */
export async function unmarkDamaged(db: Db, account: string, digest: string, generation: string): Promise<void> {
  await db
    .updateTable('blocks')
    .set({ state: 'stored' })
    .where('account', '=', account)
    .where('digest', '=', digest)
    .where('generation', '=', generation)
    .where('state', '=', 'damaged')
    .execute();
}
