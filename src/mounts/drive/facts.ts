import { isBranch, type Entry } from '../../cache/tree/entry.ts';
import type { ContentStore } from '../../cache/content/content.ts';
import type { Journal } from '../../cache/tree/journal.ts';

export interface FactsParts {
  readonly journal: Journal;
  readonly store: ContentStore;
}

/**
 * What a user may want to know about a node: `state` (`synced`, `waiting` for its upload, `sending`, `parked` because
 * the cloud cannot take it, or `local`: never uploaded); for a file its `version`, its content's `sha256` (over the
 * SHA-256 of each MiB; absent before it is hashed) and whether it is `pinned`: kept on this disk.
 */
export function factsOf(parts: FactsParts, entry: Entry): Readonly<Record<string, string>> {
  if (isBranch(entry)) return {};
  const state = stateOf(parts, entry);
  if (entry.kind !== 'file') return { state };
  const { version, hash } = entry;
  if (hash === undefined) return { state, version, pinned: 'no' };
  return { state, version, sha256: hash, pinned: parts.store.isPinned(hash) ? 'yes' : 'no' };
}

function stateOf({ journal }: FactsParts, { id, local }: Entry): string {
  if (local === true) return 'local';
  const waiting = journal.of(id);
  if (waiting.some(({ parked }) => parked !== undefined)) return 'parked';
  if (waiting.some(({ seq }) => journal.isClaimed(seq))) return 'sending';
  return waiting.length > 0 ? 'waiting' : 'synced';
}
