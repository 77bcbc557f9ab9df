import { inChunks } from './chunks.ts';
import type { Db } from './schema.ts';

/**
 * Which blocks the members of a shared space may know of: those of its versions, and those that were uploaded for it. The
 * account that stores them has others, of which a member must not be able to learn, or to read what is in them.
 */

/** Those of the digests that are known in the space. */
export async function knownBlocks(db: Db, space: string, digests: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const chunk of inChunks(digests)) {
    const rows = await db
      .selectFrom('space_blocks')
      .select('digest')
      .where('space', '=', space)
      .where('digest', 'in', chunk)
      .execute();
    for (const { digest } of rows) found.add(digest);
  }
  return found;
}

/** Adds to the number of versions of the space that contain each of the blocks; a `count` of 0 says that they were uploaded for it. */
export async function countBlocks(
  db: Db,
  space: string,
  digests: readonly string[],
  count: number,
  now: number,
): Promise<void> {
  for (const chunk of inChunks(digests)) {
    await db
      .insertInto('space_blocks')
      .values(chunk.map((digest) => ({ space, digest, refs: Math.max(0, count), touched: now })))
      .onConflict((conflict) =>
        conflict
          .columns(['space', 'digest'])
          .doUpdateSet((eb) => ({ refs: eb('space_blocks.refs', '+', count), touched: now })),
      )
      .execute();
  }
}

/** Forgets blocks that no version of their space contains, and that were uploaded before `before`. */
export async function forgetIdleBlocks(db: Db, before: number): Promise<void> {
  await db
    .deleteFrom('space_blocks')
    .where((eb) => eb('refs', '=', eb.lit(0)))
    .where('touched', '<', before)
    .execute();
}
