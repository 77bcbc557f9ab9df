import type { GroupWriter, Op } from '../../cache/db/group-writer.ts';
import { type Rows, Table } from '../../cache/db/table.ts';
import type { NodeId } from '../../vfs/node.ts';

/**
 * What a change of a folder leaves to be done with its contents, in later turns of the event loop:
 * - `sweep`: the folder is gone, removed by the cloud at `removed`, and what is stored below it goes too
 * - `renew`: the cloud has removed the folder at `removed`, and its contents are created again in another one
 * - `move`: two folders have become one, which gets the contents of the other
 * - `relabel`: what is below the folder belongs to another space
 */
export type Chore =
  | { readonly what: 'sweep'; readonly folder: NodeId; readonly removed?: number | undefined }
  | { readonly what: 'renew'; readonly folder: NodeId; readonly to: NodeId; readonly removed?: number | undefined }
  | { readonly what: 'move'; readonly folder: NodeId; readonly to: NodeId }
  | { readonly what: 'relabel'; readonly folder: NodeId; readonly space: string };

/** The chores that are not done yet, so that the next process does what this one cannot any more. */
export class Chores {
  readonly #table: Table<Chore>;
  /** The folders whose contents go to another one, by key. */
  readonly #moving = new Map<string, NodeId>();

  constructor(rows: Rows, writer: GroupWriter) {
    this.#table = new Table<Chore>('chores', rows, writer, 1);
  }

  /** The op to submit in the turn of the change that makes it necessary. `key` is new. */
  add(key: string, chore: Chore): Op {
    this.#note(key, chore);
    return this.#table.put(key, chore);
  }

  /** The op for when it is done. */
  remove(key: string): Op {
    this.#moving.delete(key);
    return this.#table.del(key);
  }

  /** Those that an earlier process has left, oldest first. */
  async left(): Promise<[key: string, Chore][]> {
    const rows = await this.#table.range({ gt: '', lt: '\u{10ffff}', limit: 1_000_000 });
    for (const [key, chore] of rows) this.#note(key, chore);
    return rows;
  }

  /** Whether what is stored below a folder is still to be moved, or created again, in another one. */
  isMoving(folder: NodeId): boolean {
    return [...this.#moving.values()].includes(folder);
  }

  #note(key: string, { what, folder }: Chore): void {
    if (what === 'renew' || what === 'move') this.#moving.set(key, folder);
  }
}
