import type { ContentStore, Staging } from '../../cache/content/content.ts';
import { attrOf, type Entry } from '../../cache/tree/entry.ts';
import { assign } from '../../vfs/assign.ts';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import type { Attr } from '../../vfs/node.ts';

export interface Contents {
  readonly staging: Pick<Staging, 'allocated'>;
  readonly store: Pick<ContentStore, 'allocated'>;
}

/** What programs see of an entry, with the bytes that its content takes if it has holes. */
export function shownAttr({ staging, store }: Contents, entry: Entry): Attr {
  const { kind, size, staged, hash } = entry;
  const attr = attrOf(entry);
  // Smaller files are not worth a look at the disk for each `ls -l`.
  if (kind !== 'file' || size <= BLOCK_SIZE) return attr;
  const inStore = hash === undefined ? undefined : store.allocated(hash, size);
  const allocated = staged === undefined ? inStore : staging.allocated(staged, size);
  return allocated === undefined || allocated >= size ? attr : assign(attr, { allocated });
}
