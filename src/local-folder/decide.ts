import type { Rules } from '../mounts/policy/policy.ts';

/** One side, compared with the state that both sides last agreed on. Without such a state, what is there is `changed`. */
export type Side = 'same' | 'changed' | 'absent';

export interface Sides {
  readonly local: Side;
  readonly drive: Side;
  /** Both are there and have the same content: equal bytes, equal targets, or both are folders. */
  readonly equal: boolean;
}

/**
 * - `nothing`: both are as they were
 * - `meet`: both have the same new state
 * - `send`: the drive gets what is here, as a new node if it has removed it
 * - `fetch`: what the drive has comes here
 * - `copy`: what is here becomes a node of its own under another name, and what the drive has comes here
 * - `removeThere`, `removeHere`: the removal is repeated on the other side
 * - `forget`: it is gone on both sides
 */
export type Remedy = 'nothing' | 'meet' | 'send' | 'fetch' | 'copy' | 'removeThere' | 'removeHere' | 'forget';

/** What to do with a node's content. A deletion loses to a change, and no bytes are lost. */
export function decide({ local, drive, equal }: Sides, rules: Rules): Remedy {
  if (local === 'absent' && drive === 'absent') return 'forget';
  if (local === 'absent') return drive === 'same' ? 'removeThere' : 'fetch';
  if (drive === 'absent') return local === 'changed' && rules.removedThere === 'recreate' ? 'send' : 'removeHere';
  if (local === 'same') return drive === 'same' ? 'nothing' : 'fetch';
  if (drive === 'same') return 'send';
  if (equal) return 'meet';
  return rules.changedThere === 'copy' ? 'copy' : 'fetch';
}

/**
 * - `stay`: both sides have the node in the agreed place
 * - `meet`: both have moved it to the same place
 * - `send`: the drive moves it to where it is here
 * - `fetch`: it moves here to where the drive has it, which wins if both have moved it
 */
export type PlaceRemedy = 'stay' | 'meet' | 'send' | 'fetch';

/** What to do about the place of a node that both sides have. @param same whether two places are one */
export function decidePlace<P>(agreed: P, local: P, drive: P, same: (a: P, b: P) => boolean): PlaceRemedy {
  if (same(local, drive)) return same(local, agreed) ? 'stay' : 'meet';
  return same(drive, agreed) ? 'send' : 'fetch';
}
