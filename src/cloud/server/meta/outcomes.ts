import type { IntentResult } from '../../records.ts';
import type { Inserter } from './inserter.ts';
import type { Db } from './schema.ts';

/** Outcomes that are worth a row for all of them. */
const MANY = 16;
/** Ids whose order is the same in every database, whatever its collation. */
const ORDERED = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/;

/** The recorded outcomes of those of a device's intents that were executed, by id. */
export async function readOutcomes(db: Db, device: string, ids: readonly string[]): Promise<Map<string, IntentResult>> {
  const alone = db.selectFrom('intents').select('result').where('device', '=', device).where('id', 'in', ids);
  const found = (await alone.execute()).map(({ result }) => JSON.parse(result) as IntentResult);
  const { first, last } = rangeOf(ids.filter((id) => ORDERED.test(id)));
  if (first !== undefined && last !== undefined) {
    const batches = db.selectFrom('batches').select('results').where('device', '=', device);
    // New ids are above those of all batches before, so that nothing is read for them.
    const rows = await batches.where('last', '>=', first).where('first', '<=', last).execute();
    for (const { results } of rows) found.push(...(JSON.parse(results) as IntentResult[]));
  }
  return new Map(found.map((result) => [result.id, result]));
}

/** Records outcomes of a device's intents: those of a large batch by one row. */
export async function writeOutcomes(
  db: Db,
  inserter: Inserter<'intents'>,
  outcomes: { readonly device: string; readonly results: readonly IntentResult[]; readonly now: number },
): Promise<void> {
  const { device, results, now: created } = outcomes;
  const ordered = results.filter(({ id }) => ORDERED.test(id));
  const { first, last } = rangeOf(ordered.map(({ id }) => id));
  const isMany = ordered.length >= MANY && first !== undefined && last !== undefined;
  if (isMany) {
    const row = { device, first, last, results: JSON.stringify(ordered), created };
    await db.insertInto('batches').values(row).execute();
  }
  const alone = isMany ? results.filter(({ id }) => !ORDERED.test(id)) : results;
  const rows = alone.map((result) => ({ device, id: result.id, result: JSON.stringify(result), created }));
  await inserter.insert(db, rows);
}

function rangeOf(ids: readonly string[]): { readonly first?: string; readonly last?: string } {
  let [first, last] = [ids[0], ids[0]];
  for (const id of ids) {
    if (first !== undefined && id < first) first = id;
    if (last !== undefined && id > last) last = id;
  }
  return first === undefined || last === undefined ? {} : { first, last };
}
