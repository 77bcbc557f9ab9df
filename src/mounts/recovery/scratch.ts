import type { Entry } from '../../cache/tree/entry.ts';
import { background } from '../../vfs/context.ts';
import type { FileSystem } from '../../vfs/file-system.ts';
import { isScratch } from '../../vfs/name.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Journal } from '../../cache/tree/journal.ts';
import { isCreation } from '../intents/plan.ts';

/**
 * Removes what the previous process was creating under a scratch name when it ended: half copies, none of which was
 * sent. To be called before anything is served or sent.
 */
export async function removeScratch(catalog: Catalog, journal: Journal, drive: FileSystem): Promise<void> {
  const left: Entry[] = [];
  for (const intent of journal.all()) {
    if (!isCreation(intent) || journal.isFixed(intent.seq)) continue;
    const entry = catalog.get(intent.node);
    if (entry !== undefined && isScratch(entry.name)) left.push(entry);
  }
  for (const { parent, name } of left) await drive.removeTree(parent, name, background);
}
