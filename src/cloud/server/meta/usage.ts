import type { SpaceKind, Usage } from '../../records.ts';
import type { Db } from './schema.ts';
import { countDamaged } from './damaged-blocks.ts';
import { weigh } from './trash.ts';

/** What an account stores. Walks everything in the Trash. */
export async function usageOf(db: Db, account: string): Promise<Usage> {
  const { quota, used } = await db
    .selectFrom('accounts')
    .select(['quota', 'used'])
    .where('id', '=', account)
    .executeTakeFirstOrThrow();
  const rows = await db
    .selectFrom('spaces')
    .select(['id', 'kind', 'bytes', 'files'])
    .where('account', '=', account)
    .execute();
  const spaces: Record<SpaceKind, number> = { sync: 0, backup: 0, archive: 0, shared: 0 };
  const usage = { quota, used, spaces, trash: 0, files: 0 };
  for (const { id, kind, bytes, files } of rows) {
    const trashed = await weigh(db, await trashOf(db, id));
    spaces[kind] += bytes - trashed.bytes;
    usage.trash += trashed.bytes;
    usage.files += files - trashed.files;
  }
  const damaged = await countDamaged(db, account);
  return damaged === 0 ? usage : { ...usage, damaged };
}

async function trashOf(db: Db, space: string): Promise<string[]> {
  const rows = await db
    .selectFrom('nodes')
    .select('id')
    .where('space', '=', space)
    .where('removed', 'is not', null)
    .where((eb) => eb('purged', '=', eb.lit(0)))
    .execute();
  return rows.map(({ id }) => id);
}
