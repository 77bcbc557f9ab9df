import type { BlockRow, Db } from './schema.ts';

/** The state of a block and its current generation. */
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

/** How many damaged blocks versions of an account contain. */
export async function countDamaged(db: Db, account: string): Promise<number> {
  const { count } = await damagedOf(db, account)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** The digests of the first of them. */
export async function listDamaged(db: Db, account: string, limit: number): Promise<string[]> {
  const rows = await damagedOf(db, account).select('digest').orderBy('digest').limit(limit).execute();
  return rows.map(({ digest }) => digest);
}

function damagedOf(db: Db, account: string) {
  return db.selectFrom('blocks').where('account', '=', account).where('state', '=', 'damaged').where('refs', '>', 0);
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

/** Marks a damaged block as stored again, because its bytes turned out to be intact. */
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
