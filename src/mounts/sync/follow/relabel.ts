import { agreedSpace, type Base, type Entry } from '../../../cache/tree/entry.ts';
import type { NodeId } from '../../../vfs/node.ts';
import type { Replica } from '../replica.ts';

/** Entries that are changed before the disk is waited for. */
const STEP = 500;
/** A revision before the first of every space, of a node that the cloud knows: each record of it is news. */
export const BEFORE = 0.5;

/**
 * What is below a folder belongs to another space in the cloud from now on: the folder was shared, is not shared any more, or
 * was moved. Unsent changes go to that space. The feed of the space, with its own revisions, follows.
 */
export async function relabelBelow(replica: Replica, folder: NodeId, space: string): Promise<void> {
  const { catalog } = replica;
  let count = 0;
  for await (const { id } of catalog.below(folder)) {
    const entry = catalog.get(id);
    if (entry?.id !== id || isForeign(replica, entry, folder, space)) continue;
    relabel(replica, entry, space);
    if (++count % STEP === 0) await replica.written();
  }
}

/**
 * Whether a node below a folder belongs to another space: it is a shared folder or in one, or it, or what it is in, is there only on
 * this computer, and the cloud has it elsewhere until a move of its own.
 */
function isForeign({ catalog, journal }: Replica, entry: Entry, folder: NodeId, space: string): boolean {
  for (const { id, mount } of [entry, ...catalog.ancestors(entry)]) {
    if (id === folder) return false;
    if (mount !== undefined) return true;
    if (journal.has(id) && journal.of(id).some(({ targetSpace }) => targetSpace === space)) return true;
  }
  return false;
}

function relabel(replica: Replica, entry: Entry, space: string): void {
  const { journal } = replica;
  if (agreedSpace(entry) === space) return;
  const rev = entry.rev === 0 ? 0 : BEFORE;
  const { base } = entry;
  const known = base === undefined || base === null ? {} : { base: rebased(base) };
  const intents = journal.of(entry.id).filter(({ seq }) => !journal.isFixed(seq));
  const ops = intents.map(({ targetSpace: _target, ...intent }) => journal.put({ ...intent, space }));
  replica.put({ ...entry, ...known, space, rev }, entry, ops);
}

/** The same state, of which each record is news. */
export function rebased({ space: _space, ...base }: Base): Base {
  return { ...base, rev: BEFORE };
}
