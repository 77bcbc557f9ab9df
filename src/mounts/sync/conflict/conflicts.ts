import type { Catalog } from '../../../cache/tree/catalog.ts';
import type { GroupWriter, Op } from '../../../cache/db/group-writer.ts';
import { type Rows, Table } from '../../../cache/db/table.ts';
import type { NodeId } from '../../../vfs/node.ts';

/** A file that was renamed because another device had changed, or taken the name of, the original. */
export interface Conflict {
  readonly node: NodeId;
  /** The name that it had. */
  readonly name: string;
  /** ms */
  readonly at: number;
}

export interface ListedConflict extends Conflict {
  /** The id that it had when it was noted, by which it is removed. */
  readonly key: NodeId;
  /** Where it is now. */
  readonly path: string;
}

/** The conflict copies that this computer has made, until they are removed. */
export class Conflicts {
  readonly #table: Table<Conflict>;

  constructor(rows: Rows, writer: GroupWriter) {
    this.#table = new Table<Conflict>('conflicts', rows, writer, 1 << 16);
  }

  add(conflict: Conflict): Op {
    return this.#table.put(conflict.node, conflict);
  }

  remove(node: NodeId): Op {
    return this.#table.del(node);
  }

  /** Those that still are there, oldest first, with their present path. */
  async list(catalog: Catalog): Promise<ListedConflict[]> {
    const found: ListedConflict[] = [];
    for (let gt = ''; ;) {
      const page = await this.#table.range({ gt, lt: '\u{10ffff}', limit: 500 });
      for (const [key, conflict] of page) {
        gt = key;
        const entry = catalog.get(key);
        if (entry !== undefined) found.push({ ...conflict, key, node: entry.id, path: catalog.path(entry) });
      }
      if (page.length < 500) return found.sort((a, b) => a.at - b.at);
    }
  }
}
