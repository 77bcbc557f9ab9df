import type { Place } from '../../vfs/file-system.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import type { GroupWriter, Op } from '../../cache/db/group-writer.ts';
import type { Journal, PendingIntent } from '../../cache/tree/journal.ts';
import { assign } from '../../vfs/assign.ts';
import type { NodeId } from '../../vfs/node.ts';
import { newId } from '../../vfs/ids.ts';
import {
  fillingOf,
  keepsTurn,
  type NewIntent,
  type Plan,
  planRemove,
  planReplaced,
  type Replaced,
  type Turns,
  type Waiting,
} from './plan.ts';

export interface IntentPlannerParts {
  readonly journal: Journal;
  readonly writer: GroupWriter;
  readonly now: () => number;
}

/** Writes plans into the journal. */
export class IntentPlanner {
  readonly #parts: IntentPlannerParts;

  constructor(parts: IntentPlannerParts) {
    this.#parts = parts;
  }

  /** What waits for a node, in order. */
  waiting(node: NodeId): Waiting[] {
    const { journal } = this.#parts;
    if (!journal.has(node)) return [];
    return journal.of(node).map((intent) => ({ intent, fixed: journal.isFixed(intent.seq) }));
  }

  /** Whether intents of other nodes lead into a folder, or out of it. */
  isNamed({ id, kind }: Pick<Entry, 'id' | 'kind'>): boolean {
    const { journal } = this.#parts;
    if (kind !== 'folder' || !journal.has(id)) return false;
    for (const { node, parent, origin } of journal.all()) {
      if (node !== id && (parent === id || origin?.parent === id)) return true;
    }
    return false;
  }

  /**
   * The ops that take the name from a node for `by`, and what `by` then replaces in the cloud: nothing if it stays on this
   * computer, and the node is removed there. `seen`: the revision of the space that is known here.
   */
  giveName(old: Entry, by: Pick<Entry, 'local'>, seen: number): { readonly ops: Op[]; readonly replace?: Replaced } {
    const [waiting, isNamed] = [this.waiting(old.id), this.isNamed(old)];
    if (by.local === true) {
      return { ops: this.ops(planRemove(old, waiting, { seen, isNamed, empty: old.kind === 'folder' })) };
    }
    const { replace, ...plan } = planReplaced(old, waiting, isNamed);
    return { ops: this.ops(plan), ...(replace === undefined ? {} : { replace }) };
  }

  /** How a new folder can move to a place; `sealing` where the cloud refuses to move it once it has it. */
  turns(place: Place, sealing: boolean): Turns {
    const { journal } = this.#parts;
    const filling = ({ node }: PendingIntent): Waiting[] => {
      return fillingOf(journal.all(), node).map((intent) => ({ intent, fixed: journal.isFixed(intent.seq) }));
    };
    return {
      keeps: (mkdir) => keepsTurn(journal.all(), mkdir, place),
      ...(sealing ? { filling } : {}),
    };
  }

  /** The ops of a plan; submit them in the same turn. */
  ops({ add, rewrite, drop }: Plan): Op[] {
    const { journal, now } = this.#parts;
    const at = now();
    return [
      ...drop.map(({ seq }) => journal.remove(seq)),
      ...rewrite.map((intent) => journal.put({ ...intent, id: this.#idOf(intent), at })),
      ...add.flatMap((intent) => this.#replacing(intent)),
      ...add.map((intent) => journal.put(assign(intent, { seq: journal.nextSeq(), id: newId(at), at }))),
    ];
  }

  #replacing({ replace, space, targetSpace = space }: NewIntent): Op[] {
    return replace === undefined ? [] : [this.#parts.journal.replacements.add(replace, targetSpace)];
  }

  /** What the cloud has refused under one id it may refuse again without looking. */
  #idOf({ seq, id }: PendingIntent): string {
    const { journal, now } = this.#parts;
    const renewed = journal.get(seq)?.parked !== undefined || journal.isInherited(seq);
    return renewed ? newId(now()) : id;
  }
}
