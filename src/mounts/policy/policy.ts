import type { Entry } from '../../cache/tree/entry.ts';
import type { Code } from '../../vfs/fs-error.ts';

/**
 * What programs do to a node or in a folder. `add` and `rename` into a folder are checked against the folder; `replace`
 * (the whole content at once), `write` (in part), `rename`, `remove` and `attr` against the node itself.
 */
export type Operation = 'list' | 'read' | 'add' | 'replace' | 'write' | 'rename' | 'remove' | 'attr';

/**
 * `open` where nothing is ever sealed. Otherwise a new node is `settling` while the user may still change it, and then
 * `sealed`; it is `renewed` while that applies to its next version only.
 */
export type State = 'open' | 'settling' | 'sealed' | 'renewed';

/** Why renaming from one mount to another is refused, whatever their policies allow. */
export const OTHER_MOUNT = 'the two folders are different mounts; copy the file, then delete the original';

/** Why a shared folder is not moved into another one. */
export const NO_NESTING = 'shared folders do not nest, and none leaves Sync';

/** Why a folder of a backup is not copied into Sync under its own name. */
export const NEW_NAME = 'a folder is in Sync or in Backup, never in both: copy it under a new name';

/** `yes`, or the code and the reason in words. */
export type Verdict = 'yes' | { readonly code: Code; readonly reason: string };

export type AccessTable = Readonly<Record<State, Readonly<Record<Operation, Verdict>>>>;

/**
 * What becomes of a change made here when the cloud has changed the same node since. A change on one side only is nothing to decide: it
 * goes to the other side. Of a removal here and a change there, the change wins.
 */
export interface Rules {
  /** The content was changed on both sides. `copy`: ours becomes a file of its own; `show`: the cloud's replaces it. */
  readonly changedThere: 'copy' | 'show';
  /** Removed there. `recreate`: the node is created again, with our change; `forget`: it goes. */
  readonly removedThere: 'recreate' | 'forget';
}

/** What a mount allows and how it follows the cloud: values only, used by layers that know no mount by name. */
export interface Policy {
  readonly access: AccessTable;
  readonly rules: Rules;
  /** True where nodes are sealed once they have settled; else their state is `open` for ever. */
  readonly sealing: boolean;
  /** How long a node must have been released before it is sent, ms. */
  readonly settle: number;
  /** What becomes of local content that the cloud has. */
  readonly uploaded: 'cache' | 'drop';
  /** Whether this computer restores to the cloud what the cloud has lost (a backup's agent does that itself). */
  readonly heals: boolean;
  /** Whether a node can be moved to and from other spaces of which the policy says so, too. */
  readonly crossing: boolean;
  /** Whether its folders have a hidden `.versions`. */
  readonly versions: boolean;
}

/** The policy of the space that something belongs to. */
export type PolicyOf = (of: Pick<Entry, 'space'>) => Policy;
