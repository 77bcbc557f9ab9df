import type { NodeId } from '../../vfs/node.ts';
import type { GroupWriter, Op } from '../db/group-writer.ts';
import { type Rows, Table } from '../db/table.ts';

interface Replacement {
  readonly space: string;
}

/**
 * The nodes that local intents have replaced, until the cloud has reported what became of them, as another device may
 * have moved them before. A node whose intent ended without such a report is `owed`: its place in the cloud is unknown.
 */
export class Replacements {
  readonly #table: Table<Replacement>;
  /** The space of each node. */
  readonly #spaces = new Map<NodeId, string>();
  /** The number of intents that replace each node. */
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

  /** Whether an intent replaces this node. */
  has(node: NodeId): boolean {
    return this.#intents.has(node);
  }

  isListed(node: NodeId): boolean {
    return this.#spaces.has(node);
  }

  /** The nodes of a space that must be queried from the cloud. */
  owed(space: string): NodeId[] {
    if (this.#owed.size === 0) return [];
    return [...this.#owed].filter(([, of]) => of === space).map(([node]) => node);
  }

  /** The op to submit together with the intent that replaces the node. */
  add(node: NodeId, space: string): Op {
    this.#spaces.set(node, space);
    if (!this.has(node)) this.#owed.set(node, space);
    return this.#table.put(node, { space });
  }

  /** The op for when the cloud has reported what became of the node, to submit together with the resulting changes. */
  settle(node: NodeId): Op {
    this.#spaces.delete(node);
    this.#owed.delete(node);
    return this.#table.del(node);
  }

  /** Adds or removes an intent that replaces a node. */
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
