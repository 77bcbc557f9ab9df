import { isBranch, type Entry } from '../../cache/tree/entry.ts';
import type { ContentStore } from '../../cache/content/content.ts';
import type { Journal } from '../../cache/tree/journal.ts';

export interface FactsParts {
  readonly journal: Journal;
  readonly store: Pick<ContentStore, 'cachedBytes'>;
  /** Whether the content of a node is to be kept on this computer. */
  readonly isPinned: (entry: Entry) => boolean;
}

/**
 * What a user may want to know about a node: `state` (`synced`, `waiting` for its upload, `sending`, `parked` because
 * the cloud cannot take it, or `local`: never uploaded) and whether it is `pinned`: to be kept on this disk; for a file
 * its `availability`, its `version` and its content's `sha256` (over the SHA-256 of each MiB; absent before it is hashed).
 */
export function factsOf(parts: FactsParts, entry: Entry): Readonly<Record<string, string>> {
  const pinned = parts.isPinned(entry) ? 'yes' : 'no';
  if (isBranch(entry)) return { pinned };
  const state = stateOf(parts, entry);
  if (entry.kind !== 'file') return { state, pinned };
  const { version, hash } = entry;
  const about = { state, pinned, availability: availabilityOf(parts, entry, state), version };
  return hash === undefined ? about : { ...about, sha256: hash };
}

type State = 'synced' | 'waiting' | 'sending' | 'parked' | 'local';

function stateOf({ journal }: FactsParts, { id, local }: Entry): State {
  if (local === true) return 'local';
  const waiting = journal.of(id);
  if (waiting.some(({ parked }) => parked !== undefined)) return 'parked';
  if (waiting.some(({ seq }) => journal.isClaimed(seq))) return 'sending';
  return waiting.length > 0 ? 'waiting' : 'synced';
}

/**
 * Where the content of a file is, in one word: `parked` and `uploading` while the cloud does not have it, `local` if it never will;
 * else `pinned` (here, and stays), `coming` (pinned, and not all here yet), `cached`, `partly-cached` or `online-only`.
 */
function availabilityOf({ store, isPinned }: FactsParts, entry: Entry, state: State): string {
  if (state === 'parked' || state === 'local') return state;
  if (state !== 'synced') return 'uploading';
  const here = entry.size === 0 ? 0 : store.cachedBytes(entry.hash ?? '');
  if (isPinned(entry)) return here < entry.size ? 'coming' : 'pinned';
  if (here >= entry.size) return 'cached';
  return here === 0 ? 'online-only' : 'partly-cached';
}
