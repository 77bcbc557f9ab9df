import { Catalog } from './catalog.ts';
import { Claims } from './claims.ts';
import type { Database } from '../db/database.ts';
import type { GroupWriter } from '../db/group-writer.ts';
import { Journal } from './journal.ts';
import { Replacements } from './replacements.ts';

/** The tree and the journal of a gateway, in its database. */
export interface Records {
  readonly writer: GroupWriter;
  readonly catalog: Catalog;
  readonly journal: Journal;
}

/** @param hotBytes memory for recently used entries */
export async function openRecords(db: Database, writer: GroupWriter, hotBytes: number): Promise<Records> {
  const [entries, places, spaces] = await Promise.all(['entries', 'places', 'spaces'].map((table) => db.rows(table)));
  if (entries === undefined || places === undefined || spaces === undefined) throw new Error('a table is missing');
  const catalog = new Catalog({ entries, places, spaces }, writer, hotBytes);
  const claims = await Claims.open(await db.rows('claims'), writer);
  const replacements = await Replacements.open(await db.rows('replacements'), writer);
  const journal = await Journal.open(await db.rows('journal'), writer, claims, replacements);
  return { writer, catalog, journal };
}
