import { DIGEST_SIZE } from '../../../vfs/block.ts';
import type { Block } from '../blocks/block-store.ts';
import { Inserter } from './inserter.ts';
import type { ArrivalRow, Db } from './schema.ts';
import { asBytes } from './versions.ts';

const ENTRY = 4 + DIGEST_SIZE;

/** Records blocks that are about to be stored without rows: if nothing gives them rows, the collector gets them. */
export async function recordArrival(db: Db, id: string, account: string, blocks: readonly Block[]): Promise<void> {
  const bytes = Buffer.allocUnsafeSlow(blocks.length * ENTRY);
  for (const [i, { digest, data }] of blocks.entries()) {
    bytes.writeUInt32BE(data.length, i * ENTRY);
    bytes.write(digest, i * ENTRY + 4, 'hex');
  }
  await db.insertInto('arrivals').values({ id, account, blocks: bytes }).execute();
}

/** The blocks have their rows. */
export async function endArrival(db: Db, id: string): Promise<void> {
  await db.deleteFrom('arrivals').where('id', '=', id).execute();
}

/** Leaves blocks that got no rows to the collector: of one arrival, or of all that the last process left at its end. */
export async function abandonArrivals(db: Db, now: number, id?: string): Promise<void> {
  await db.transaction().execute(async (step) => {
    let query = step.selectFrom('arrivals').selectAll();
    if (id !== undefined) query = query.where('id', '=', id);
    const rows = await query.execute();
    const inserter = new Inserter('blocks', (insert) => insert.onConflict((conflict) => conflict.doNothing()));
    for (const row of rows) {
      await inserter.insert(step, condemned(row, now));
      await endArrival(step, row.id);
    }
  });
}

function condemned({ id, account, blocks }: ArrivalRow, touched: number) {
  const bytes = asBytes(blocks);
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: view.length / ENTRY }, (_, i) => ({
    account,
    digest: view.toString('hex', i * ENTRY + 4, (i + 1) * ENTRY),
    size: view.readUInt32BE(i * ENTRY),
    refs: 0,
    state: 'condemned' as const,
    touched,
    awaited: null,
    generation: id,
  }));
}
