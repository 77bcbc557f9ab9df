import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { Role } from '../../records.ts';
import type { Database, Db } from './schema.ts';

/** That a space, whose row the query has, is the account's own or one that it is a member of. */
export function isAccessible(eb: ExpressionBuilder<Database, 'spaces'>, account: string): Expression<SqlBool> {
  return eb.or([
    eb('spaces.account', '=', account),
    eb.exists(
      eb
        .selectFrom('members')
        .select('members.space')
        .whereRef('members.space', '=', 'spaces.id')
        .where('members.account', '=', account),
    ),
  ]);
}

/** What an account may do in a shared space that is not its own; `undefined` if it is no member. */
export async function memberRole(db: Db, space: string, account: string): Promise<Role | undefined> {
  const row = await db
    .selectFrom('members')
    .select('role')
    .where('space', '=', space)
    .where('account', '=', account)
    .executeTakeFirst();
  return row?.role;
}

/** The accounts that have a shared space, its owner included. */
export async function accountsOf(db: Db, space: string): Promise<string[]> {
  const rows = await db
    .selectFrom('members')
    .select('account')
    .where('space', '=', space)
    .where('account', 'is not', null)
    .execute();
  return rows.flatMap(({ account }) => account ?? []);
}
