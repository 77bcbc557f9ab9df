import type { ContentStore } from '../../cache/content/content.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import type { Journal } from '../../cache/tree/journal.ts';
import type { Context } from '../../vfs/context.ts';
import type { OpenFiles } from '../drive/open/open-files.ts';
import type { Pins } from './pins.ts';

export interface FreerParts {
  readonly catalog: Catalog;
  readonly journal: Pick<Journal, 'has'>;
  readonly store: Pick<ContentStore, 'cachedBytes' | 'free' | 'isPinned'>;
  readonly files: Pick<OpenFiles, 'isOpen'>;
  readonly pins: Pick<Pins, 'isPinned'>;
}

/** What `free` has done: files and bytes that left the disk, and files that stay, by their reasons. */
export interface Freed {
  readonly files: number;
  readonly bytes: number;
  readonly pinned: number;
  /** Changed here and not in the cloud yet. */
  readonly unsent: number;
  readonly open: number;
}

/** Removes the cached content of a file, or of everything in a folder, from the disk; the cloud has it. */
export async function free(parts: FreerParts, top: Entry, { signal }: Context): Promise<Freed> {
  const freed = { files: 0, bytes: 0, pinned: 0, unsent: 0, open: 0 };
  for await (const entry of top.kind === 'folder' ? parts.catalog.below(top.id) : [top]) {
    signal.throwIfAborted();
    const reason = entry.kind === 'file' ? staysBecause(parts, entry) : 'no file';
    if (reason === 'no file' || reason === 'not here') continue;
    if (reason !== undefined) freed[reason]++;
    else {
      const bytes = await parts.store.free(entry.hash ?? '');
      // A reader may have begun meanwhile.
      if (parts.store.cachedBytes(entry.hash ?? '') > 0) freed.open++;
      else {
        freed.files++;
        freed.bytes += bytes;
      }
    }
  }
  return freed;
}

function staysBecause(
  { journal, store, files, pins }: FreerParts,
  entry: Entry,
): 'pinned' | 'unsent' | 'open' | 'not here' | undefined {
  const { id, hash, remote, staged } = entry;
  if (staged !== undefined || journal.has(id) || remote === undefined) return 'unsent';
  if (hash === undefined || store.cachedBytes(hash) === 0) return 'not here';
  // Another file with this content may be pinned.
  if (pins.isPinned(entry) || store.isPinned(hash)) return 'pinned';
  return files.isOpen(id) ? 'open' : undefined;
}
