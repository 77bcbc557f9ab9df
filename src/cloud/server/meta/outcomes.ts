import type { MadeFiles } from '../../new-files.ts';
import type { IntentResult } from '../../records.ts';
import type { Inserter } from './inserter.ts';
import type { Db } from './schema.ts';

/** Outcomes that are worth a row for all of them. */
const MANY = 16;
/** Ids whose order is the same in every database, whatever its collation. */
const ORDERED = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/;

/** The recorded outcome of an intent that made a node: what the intent itself does not say. */
export interface Creation {
  /** Of the intent. */
  readonly id: string;
  readonly rev: number;
  readonly stamp: string;
}

/** The recorded outcome of making many files at once. */
export interface FilesOutcome extends MadeFiles {
  /** SHA-256, hex, of what was said of them. */
  readonly files: string;
}

export type Outcome = IntentResult | Creation | FilesOutcome;

export interface RecordedOutcome {
  readonly outcome: Outcome;
  /** When the intent was executed, ms. */
  readonly created: number;
}

/** The recorded outcomes of those of a device's intents that were executed, by id. */
export async function readOutcomes(
  db: Db,
  device: string,
  ids: readonly string[],
): Promise<Map<string, RecordedOutcome>> {
  const alone = db.selectFrom('intents').select(['result', 'created']).where('device', '=', device);
  const found: RecordedOutcome[] = (await alone.where('id', 'in', ids).execute()).map(({ result, created }) => ({
    outcome: JSON.parse(result) as Outcome,
    created,
  }));
  const { first, last } = rangeOf(ids.filter((id) => ORDERED.test(id)));
  if (first !== undefined && last !== undefined) {
    const batches = db.selectFrom('batches').select(['results', 'created']).where('device', '=', device);
    // New ids are above those of all batches before, so that nothing is read for them.
    const rows = await batches.where('last', '>=', first).where('first', '<=', last).execute();
    for (const { results, created } of rows) {
      found.push(...(JSON.parse(results) as Outcome[]).map((outcome) => ({ outcome, created })));
    }
  }
  return new Map(found.map((recorded) => [recorded.outcome.id, recorded]));
}

/** Records outcomes of a device's intents: those of a large batch by one row. */
export async function writeOutcomes(
  db: Db,
  inserter: Inserter<'intents'>,
  { device, outcomes, now }: { readonly device: string; readonly outcomes: readonly Outcome[]; readonly now: number },
): Promise<void> {
  const ordered = outcomes.filter(({ id }) => ORDERED.test(id));
  const { first, last } = rangeOf(ordered.map(({ id }) => id));
  const isMany = ordered.length >= MANY && first !== undefined && last !== undefined;
  if (isMany) {
    const row = { device, first, last, results: JSON.stringify(ordered), created: now };
    await db.insertInto('batches').values(row).execute();
  }
  const alone = isMany ? outcomes.filter(({ id }) => !ORDERED.test(id)) : outcomes;
  const rows = alone.map((outcome) => ({ device, id: outcome.id, result: JSON.stringify(outcome), created: now }));
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
