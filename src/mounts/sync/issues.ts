import type { GroupWriter, Op } from '../../cache/db/group-writer.ts';
import { type Rows, Table } from '../../cache/db/table.ts';
import type { NodeId } from '../../vfs/node.ts';

/** Something of the cloud that cannot be shown here, or that neither the cloud nor this computer has any more. */
export interface Issue {
  readonly space: string;
  /** Of its node; of a record without an id, its fault. */
  readonly node: NodeId;
  /** Where it would be, as far as that is known: a path, or a name. */
  readonly path: string;
  readonly reason: string;
  /** ms */
  readonly at: number;
  /** A folder of this computer with what was rescued; without it there is nothing left to be known. */
  readonly rescued?: string;
}

/** Rows read at a time. */
const PAGE = 500;

/** Problems with the cloud's nodes that the user should know about, until they are resolved. */
export class Issues {
  readonly #table: Table<Issue>;
  /** All keys. */
  readonly #keys = new Set<string>();

  private constructor(table: Table<Issue>) {
    this.#table = table;
  }

  static async open(rows: Rows, writer: GroupWriter): Promise<Issues> {
    const issues = new Issues(new Table<Issue>('issues', rows, writer, 1 << 16));
    for await (const { space, node } of issues.#all()) issues.#keys.add(keyOf(space, node));
    return issues;
  }

  get size(): number {
    return this.#keys.size;
  }

  has(space: string, node: NodeId): boolean {
    return this.#keys.has(keyOf(space, node));
  }

  /** Submit the op in the same turn. */
  add(issue: Issue): Op {
    const key = keyOf(issue.space, issue.node);
    this.#keys.add(key);
    return this.#table.put(key, issue);
  }

  /** The ops that remove it from the list, if it is there. Submit them in the same turn. */
  remove(space: string, node: NodeId): Op[] {
    const key = keyOf(space, node);
    return this.#keys.delete(key) ? [this.#table.del(key)] : [];
  }

  /** The first of them. */
  async list(limit: number): Promise<Issue[]> {
    const found: Issue[] = [];
    for await (const issue of this.#all()) if (found.push(issue) >= limit) break;
    return found;
  }

  async *#all(): AsyncGenerator<Issue> {
    for (let gt = ''; ;) {
      const page = await this.#table.range({ gt, lt: '\u{10ffff}', limit: PAGE });
      for (const [key, issue] of page) {
        gt = key;
        yield issue;
      }
      if (page.length < PAGE) return;
    }
  }
}

function keyOf(space: string, node: NodeId): string {
  return `${space}/${node}`;
}
