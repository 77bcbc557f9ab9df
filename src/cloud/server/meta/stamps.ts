import { randomBytes } from 'node:crypto';
import type { Mark } from '../../records.ts';
import type { Db, SpaceRow } from './schema.ts';

/** Stamp of the row that replaces all forgotten ones: the history up to its revision is unknown. */
const FORGOTTEN = '';

/** A stamp that is unique among all commits, including those of other copies of the metadata. */
export function newStamp(): string {
  return randomBytes(12).toString('base64url');
}

/** The stamp of the commit that assigned a revision: that of the first commit whose last revision is at or after it. */
export async function stampOf(db: Db, space: string, rev: number): Promise<string | undefined> {
  const row = await db
    .selectFrom('stamps')
    .select('stamp')
    .where('space', '=', space)
    .where('rev', '>=', rev)
    .orderBy('rev')
    .limit(1)
    .executeTakeFirst();
  return row?.stamp;
}

/**
 * Compares a client's marks with this metadata: `known` if they are part of its history; `forgotten` if they are too
 * old to tell; `rewound` if one is not part of it, because this metadata is an older copy, perhaps with later changes.
 */
export async function judgeMarks(
  db: Db,
  { id, rev: last }: Pick<SpaceRow, 'id' | 'rev'>,
  marks: readonly Mark[],
): Promise<'known' | 'forgotten' | 'rewound'> {
  let verdict: 'known' | 'forgotten' = 'known';
  for (const { rev, stamp } of marks) {
    if (rev === 0) continue;
    if (rev > last) return 'rewound';
    const found = await stampOf(db, id, rev);
    if (found === undefined || found === FORGOTTEN) verdict = 'forgotten';
    else if (found !== stamp) return 'rewound';
  }
  return verdict;
}

/** Deletes the stamps of commits before a time, except the last one of each space. */
export async function forgetStamps(db: Db, before: number): Promise<void> {
  const due = await db
    .selectFrom('stamps')
    .innerJoin('spaces', 'spaces.id', 'stamps.space')
    .select(['stamps.space', (eb) => eb.fn.max('stamps.rev').as('rev')])
    .whereRef('stamps.rev', '<', 'spaces.rev')
    .where('stamps.created', '<', before)
    .where('stamps.stamp', '!=', FORGOTTEN)
    .groupBy('stamps.space')
    .execute();
  for (const { space, rev } of due) {
    await db.transaction().execute(async (step) => {
      await step.deleteFrom('stamps').where('space', '=', space).where('rev', '<', rev).execute();
      const here = step.updateTable('stamps').set({ stamp: FORGOTTEN });
      await here.where('space', '=', space).where('rev', '=', rev).execute();
    });
  }
}
