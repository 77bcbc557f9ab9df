import type { Catalog } from '../../cache/tree/catalog.ts';
import { innerSpace, type Entry } from '../../cache/tree/entry.ts';
import type { Journal } from '../../cache/tree/journal.ts';
import type { NodeId } from '../../vfs/node.ts';
import type { Activity } from './activity.ts';
import type { Policy, PolicyOf, State } from '../policy/policy.ts';
import { isCreation } from '../intents/plan.ts';

export interface PolicyStateParts {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly activity: Activity;
  readonly policyOf: PolicyOf;
  /** ms since 1970 */
  readonly now: () => number;
}

/** Determines which policy applies to a node, and whether the node is already sealed. */
export class PolicyState {
  readonly #parts: PolicyStateParts;

  constructor(parts: PolicyStateParts) {
    this.#parts = parts;
  }

  /** What the catalog has of a node, if it has it. */
  entry(node: NodeId): Entry | undefined {
    return this.#parts.catalog.get(node);
  }

  child(folder: Entry, name: string): Entry | undefined {
    return this.#parts.catalog.child(folder.id, name);
  }

  policy(entry: Entry): Policy {
    return this.#parts.policyOf(entry);
  }

  /** The policy of what is in a folder, which governs the names there. */
  policyIn(folder: Entry): Policy {
    return this.#parts.policyOf({ space: innerSpace(folder) });
  }

  /**
   * `settling` (or `renewed`) from the creation of a node (or of its next version) until it has been released for the
   * policy's delay, or is being sent; again when the cloud has refused the creation. Files that stay on this computer are never sealed.
   */
  state(entry: Entry): State {
    const { sealing, settle } = this.#parts.policyOf(entry);
    if (!sealing || entry.local === true) return 'open';
    const { journal } = this.#parts;
    if (!journal.has(entry.id)) return 'sealed';
    const waiting = journal.of(entry.id);
    const unsent = waiting.filter(({ seq }) => !journal.isFixed(seq));
    const isNew = unsent.length === waiting.length && unsent.some(isCreation);
    // What the cloud does not take must not stay here for ever.
    if (isNew && unsent.some(({ parked }) => parked !== undefined)) return 'settling';
    if (!unsent.some(({ op }) => op !== 'move' && op !== 'attr') || !this.#isUnsettled(entry, settle)) return 'sealed';
    return isNew ? 'settling' : 'renewed';
  }

  /** True for a node that may only get new versions, and neither move nor go. */
  isSealed(entry: Entry): boolean {
    const state = this.state(entry);
    return state === 'sealed' || state === 'renewed';
  }

  #isUnsettled({ id }: Entry, settle: number): boolean {
    const readyAt = this.#parts.activity.readyAt(id, settle);
    return readyAt === undefined || this.#parts.now() < readyAt;
  }
}
