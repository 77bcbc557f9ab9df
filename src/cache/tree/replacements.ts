import type { NodeId } from '../../vfs/node.ts';
import type { GroupWriter, Op } from '../db/group-writer.ts';
import { type Rows, Table } from '../db/table.ts';

interface Replacement {
  readonly space: string;
}

/**
 * The nodes whose place here another node has taken, until the cloud has said what became of them: it may have moved them
 * elsewhere before. One whose intent has gone without such an answer is `owed`: nobody knows where the cloud has it.
 */
export class Replacements {
  readonly #table: Table<Replacement>;
  /** The space of each. */
  readonly #spaces = new Map<NodeId, string>();
  /** How many intents name each. */
  readonly #intents = new Map<NodeId, number>();
  readonly #owed = new Map<NodeId, string>();

  private constructor(table: Table<Replacement>) {
    this.#table = table;
  }

  static async open(rows: Rows, writer: GroupWriter): Promise<Replacements> {
    const opened = new Replacements(new Table<Replacement>('replacements', rows, writer, 1));
    for (let gt = ''; ;) {
      const page = await opened.#table.range({ gt, lt: '\u{10ffff}', limit: 1000 });
      for (const [key, { space }] of page) {
        gt = key;
        opened.#spaces.set(key, space);
        opened.#owed.set(key, space);
      }
      if (page.length < 1000) return opened;
    }
  }

  /** Whether an intent puts another node in this one's place. */
  has(node: NodeId): boolean {
    return this.#intents.has(node);
  }

  isListed(node: NodeId): boolean {
    return this.#spaces.has(node);
  }

  /** The nodes of a space of which the cloud has to be asked anew. */
  owed(space: string): NodeId[] {
    if (this.#owed.size === 0) return [];
    return [...this.#owed].filter(([, of]) => of === space).map(([node]) => node);
  }

  /** To be submitted together with the intent that names the node. */
  add(node: NodeId, space: string): Op {
    this.#spaces.set(node, space);
    if (!this.has(node)) this.#owed.set(node, space);
    return this.#table.put(node, { space });
  }

  /** The cloud has said what became of it: submit the op together with what follows from that. */
  settle(node: NodeId): Op {
    this.#spaces.delete(node);
    this.#owed.delete(node);
    return this.#table.del(node);
  }

  /** One more intent names a node, or one less. */
  count(node: NodeId | undefined, change: 1 | -1): void {
    if (node === undefined) return;
    const total = (this.#intents.get(node) ?? 0) + change;
    const space = this.#spaces.get(node);
    if (total > 0) {
      this.#intents.set(node, total);
      this.#owed.delete(node);
    } else {
      this.#intents.delete(node);
      if (space !== undefined) this.#owed.set(node, space);
    }
  }
}
