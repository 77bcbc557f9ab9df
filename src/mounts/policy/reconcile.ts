import type { WireCode } from '../../cloud/wire-code.ts';
import type { Rules } from './policy.ts';

/** Both sides may change, and no bytes are lost. */
export const twoWay: Rules = { changedThere: 'copy', removedThere: 'recreate' };

/** Others write; what was changed here gives way. */
export const mirror: Rules = { changedThere: 'show', removedThere: 'forget' };

/** The cloud's response to an intent, and what is known about the intent here. */
export interface Refused {
  readonly op: 'mkdir' | 'symlink' | 'put' | 'move' | 'attr' | 'remove';
  /** The intent creates its node. */
  readonly creates: boolean;
  readonly code: WireCode;
  readonly rules: Rules;
  /**
   * What `current` of the response is: the intent's node, its target folder, the node that has the name; or it was
   * absent.
   */
  readonly about: 'node' | 'parent' | 'holder' | 'nothing';
  /** Both sides are folders, or have the same bytes or the same target. */
  readonly equal: boolean;
}

/**
 * - `executed`: the cloud already has the change
 * - `merge`: our new node and the cloud's become one
 * - `rename`: our node gets another name
 * - `copy`: our content becomes a file of its own, the node shows the cloud's
 * - `show`: our change is dropped, the cloud's state is shown
 * - `forget`: our change is pointless
 * - `recreate`: our node is created again, under another id
 * - `recreateParent`: the folder above it is
 * - `again`: send it again, nothing needs to change
 * - `park`: the user has to act
 */
export type Remedy =
  'executed' | 'merge' | 'rename' | 'copy' | 'show' | 'forget' | 'recreate' | 'recreateParent' | 'again' | 'park';

type Case = (refused: Refused) => Remedy;

const park: Case = () => 'park';
const again: Case = () => 'again';

/** Total: a new code of the service does not compile without its remedy. */
const CASES: Readonly<Record<WireCode, Case>> = {
  exists: ({ creates, equal }) => (creates && equal ? 'merge' : 'rename'),
  conflict,
  gone,
  not_found: gone,
  blocks_missing: again,
  too_many_requests: again,
  unavailable: elsewhere,
  internal: again,
  digest_mismatch: again,
  damaged: again,
  bad_request: park,
  unauthorized: park,
  code_required: park,
  forbidden: park,
  not_a_folder: park,
  quota_exceeded: park,
  name_invalid: park,
  cursor_expired: park,
  too_large: park,
};

/** What to do about an intent that the cloud has refused. */
export function remedyFor(refused: Refused): Remedy {
  return CASES[refused.code](refused);
}

/** The node is there in another state than this computer knew. */
function conflict({ op, creates, rules, equal }: Refused): Remedy {
  if (creates) return 'merge';
  if (op !== 'put') return 'show';
  return equal ? 'executed' : rules.changedThere;
}

/** The node was moved to another space, or the folder is shared now. What was moved is not removed: nobody has seen that here. */
function elsewhere({ op }: Refused): Remedy {
  return op === 'remove' ? 'show' : 'again';
}

/** The node, or a folder above it, was removed. */
function gone({ op, creates, rules, about }: Refused): Remedy {
  if (op === 'remove') return 'executed';
  if (op === 'attr' || rules.removedThere === 'forget') return 'forget';
  return creates || about === 'parent' ? 'recreateParent' : 'recreate';
}
