import type { VersionRecord } from '../../records.ts';
import { Refusal } from '../refusal.ts';
import { isAccessible } from './access.ts';
import { liveNode, type Transaction } from './transaction.ts';
import { versionRecord } from './records.ts';
import { mayAdd } from './rights.ts';
import type { Db, NodeRow } from './schema.ts';
import { makeNewest, supersede, versionsOf } from './versions.ts';

/** The kept versions of a file, newest first. @throws not_found */
export async function listVersions(db: Db, account: string, node: string): Promise<VersionRecord[]> {
  const { version } = await findNode(db, account, node);
  return (await versionsOf(db, node)).map((row) => versionRecord(row, row.id === version));
}

/**
 * Makes an older version the current one again. It keeps its id, so cached copies of it remain valid. Nothing is lost,
 * so it is allowed wherever nodes may be added.
 * @throws not_found, gone, forbidden
 */
export async function restoreVersion(transaction: Transaction, id: string, version: string): Promise<NodeRow> {
  const { space: home } = await findNode(await transaction.connection(), transaction.caller.account, id);
  const space = await transaction.space(home);
  mayAdd(space, transaction);
  const node = await liveNode(transaction, space, id);
  const chosen = (await versionsOf(await transaction.connection(), id)).find((row) => row.id === version);
  if (chosen === undefined) throw new Refusal('not_found', 'the file has no such version; `fjord versions` lists them');
  if (chosen.id === node.version) return node;
  const { size, hash, mtime } = chosen;
  const row = await transaction.update(space, node, { version, size, hash, mtime });
  transaction.count(space, size - node.size, 0);
  await supersede(transaction, node.version);
  await makeNewest(transaction, row, version);
  return row;
}

/** A node of a space that the account has access to, and that is not purged. @throws not_found */
export async function findNode(db: Db, account: string, id: string): Promise<NodeRow> {
  const row = await db
    .selectFrom('nodes')
    .innerJoin('spaces', 'spaces.id', 'nodes.space')
    .selectAll('nodes')
    .where('nodes.id', '=', id)
    .where('nodes.purged', '=', 0)
    .where((eb) => isAccessible(eb, account))
    .executeTakeFirst();
  if (row === undefined) throw new Refusal('not_found', 'there is no such node');
  return row;
}

/** The name of a node; `undefined` if it was purged. */
export async function nameOf(db: Db, id: string): Promise<string | undefined> {
  return (await db.selectFrom('nodes').select('name').where('id', '=', id).executeTakeFirst())?.name;
}
