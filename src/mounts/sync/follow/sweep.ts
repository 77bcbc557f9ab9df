import type { Entry } from '../../../cache/tree/entry.ts';
import type { NodeId } from '../../../vfs/node.ts';
import type { Replica } from '../replica.ts';

/** How many entries a sweep removes before it waits for the disk. */
const SWEEP = 500;

/**
 * Removes what is left in a folder that is no longer shown, and in the folders there, even if this process ends before. What
 * was changed in the cloud after it had removed the folder, at `removed`, stays: it has been restored.
 */
export function sweepLater(replica: Replica, folder: NodeId, removed?: number): void {
  replica.later(() => sweep(replica, folder, removed), { what: 'sweep', folder, removed });
}

export async function sweep(replica: Replica, folder: NodeId, removed?: number): Promise<void> {
  const { catalog, journal } = replica;
  let count = 0;
  for await (const { parent, name, id } of catalog.children(folder)) {
    const entry = catalog.child(parent, name);
    if (entry?.id !== id || catalog.get(id)?.id !== id || survives(replica, entry)) continue;
    if (removed !== undefined && entry.rev > removed) continue;
    // Its record may be of a place elsewhere, where it is shown with all that is in it.
    if (replica.waiting.has(id)) continue;
    replica.retire(entry);
    // Revisions of two spaces do not compare.
    if (entry.kind === 'folder') sweepLater(replica, id, entry.mount === undefined ? removed : undefined);
    if (++count % SWEEP === 0) await replica.written();
  }
  if (journal.size === 0) await replica.written();
}

/** Whether a node outlives its removal elsewhere: with content, a place or a creation of this computer; attributes do not count. */
export function survives(replica: Replica, entry: Entry): boolean {
  const { place, content } = replica.localChanges(entry.id);
  if (!place && !content) return false;
  // No policy decides over what is left of a space that is gone.
  return replica.catalog.space(entry.space) === undefined || replica.policyOf(entry).rules.removedThere === 'recreate';
}
