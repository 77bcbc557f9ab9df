import type { NodeRecord, Remover } from '../../records.ts';
import { inChunks } from './chunks.ts';
import type { Db } from './schema.ts';

/**
 * Adds to the records of removed nodes who has removed them: a computer of the account by its name, another account by its e-mail
 * address, which members of a shared folder know of each other.
 */
export async function withRemovers<R extends object>(
  db: Db,
  account: string,
  records: readonly R[],
  nodeOf: (record: R) => NodeRecord | undefined,
): Promise<(R & { readonly by?: Remover })[]> {
  const devices = new Set<string>();
  for (const record of records) {
    const node = nodeOf(record);
    if (node?.removed === true && node.device !== null) devices.add(node.device);
  }
  const removers = await removersOf(db, account, [...devices]);
  return records.map((record) => {
    const node = nodeOf(record);
    const by = node?.removed === true ? removers.get(node.device ?? '') : undefined;
    return by === undefined ? record : { ...record, by };
  });
}

async function removersOf(db: Db, account: string, devices: readonly string[]): Promise<Map<string, Remover>> {
  const found = new Map<string, Remover>();
  for (const chunk of inChunks(devices)) {
    const rows = await db
      .selectFrom('devices')
      .innerJoin('accounts', 'accounts.id', 'devices.account')
      .select(['devices.id', 'devices.name', 'devices.account', 'accounts.email'])
      .where('devices.id', 'in', chunk)
      .execute();
    for (const row of rows) {
      found.set(row.id, row.account === account ? { device: row.name } : { account: row.email });
    }
  }
  return found;
}
