import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import type { GroupWriter, Op } from '../../cache/db/group-writer.ts';
import { type Rows, Table } from '../../cache/db/table.ts';
import type { Change } from '../../vfs/file-system.ts';
import type { NodeId } from '../../vfs/node.ts';

/** What the user has decided about a node and everything in it: of several marks on the way to the root the nearest counts. */
export interface Mark {
  readonly pinned: boolean;
  /** Of a file: its place. Programs save by putting a new file there, which gets the mark, too. */
  readonly parent?: NodeId;
  readonly name?: string;
  /** ms */
  readonly at: number;
}

export interface PinsParts {
  readonly catalog: Catalog;
  readonly writer: GroupWriter;
  /** ms since 1970 */
  readonly now: () => number;
}

/** Marks that can be kept, which is more than anybody sets. */
const MOST = 100_000;

/** The nodes that the user has pinned or unpinned, by id: they follow moves and renames. */
export class Pins {
  readonly #parts: PinsParts;
  readonly #table: Table<Mark>;
  readonly #marks = new Map<NodeId, Mark>();
  /** The marked files by their places. */
  readonly #places = new Map<string, NodeId>();

  private constructor(table: Table<Mark>, parts: PinsParts) {
    this.#table = table;
    this.#parts = parts;
  }

  static async open(rows: Rows, parts: PinsParts): Promise<Pins> {
    const table = new Table<Mark>('pinned', rows, parts.writer, 1);
    const pins = new Pins(table, parts);
    for (const [id, mark] of await table.range({ gt: '', lt: '\u{10ffff}', limit: MOST })) pins.#remember(id, mark);
    return pins;
  }

  /** Nodes with a mark of their own, as far as they exist now. */
  *marked(): Generator<readonly [Entry, Mark]> {
    for (const [id, mark] of this.#marks) {
      const entry = this.#parts.catalog.get(id);
      if (entry !== undefined) yield [entry, mark];
    }
  }

  /** Whether the content of a file, or of everything in a folder, is to be kept on this computer. */
  isPinned(entry: Entry): boolean {
    if (this.#marks.size === 0) return false;
    const own = this.#marks.get(entry.id);
    if (own !== undefined) return own.pinned;
    for (const { id } of this.#parts.catalog.ancestors(entry)) {
      const mark = this.#marks.get(id);
      if (mark !== undefined) return mark.pinned;
    }
    return false;
  }

  hasMark(node: NodeId): boolean {
    return this.#marks.has(node);
  }

  get isEmpty(): boolean {
    return this.#marks.size === 0;
  }

  /** Decides for a node and all that is in it now. Resolves when it is on the disk. */
  async set(entry: Entry, pinned: boolean): Promise<void> {
    const { catalog, writer } = this.#parts;
    const ops = [...this.marked()].flatMap(([other]) => {
      const isWithin = other.id === entry.id || [...catalog.ancestors(other)].some(({ id }) => id === entry.id);
      return isWithin ? this.#remove(other.id) : [];
    });
    // Nothing need be said where it holds anyway.
    if (this.isPinned(entry) !== pinned) ops.push(this.#put(entry, pinned));
    if (ops.length > 0) await writer.write(ops);
  }

  /**
   * To be called for each change of the tree. A node that was created again under another id keeps its mark; a file that takes the
   * place of a marked one gets the same. True if a mark was changed.
   */
  changed(change: Change): boolean {
    if (this.isEmpty || change.what !== 'entry') return false;
    const { catalog } = this.#parts;
    const child = catalog.child(change.folder, change.name);
    if (child?.kind !== 'file') return false;
    const before = this.#places.get(placeOf(child));
    const mark = this.#marks.get(child.id);
    if (mark !== undefined) {
      if (mark.parent !== child.parent || mark.name !== child.name) this.#write([this.#put(child, mark.pinned)]);
      return false;
    }
    const heir = before === undefined ? undefined : this.#marks.get(before);
    if (heir === undefined) return false;
    this.#write([this.#put(child, heir.pinned)]);
    return true;
  }

  /** Marks of nodes that have another id now go to that. */
  follow(): void {
    const { catalog } = this.#parts;
    for (const [id, mark] of this.#marks) {
      const entry = catalog.get(id);
      if (entry === undefined || entry.id === id) continue;
      const own = this.#marks.has(entry.id) ? [] : [this.#put(entry, mark.pinned)];
      this.#write([...this.#remove(id), ...own]);
    }
  }

  #put(entry: Entry, pinned: boolean): Op {
    const at = this.#parts.now();
    const mark = entry.kind === 'file' ? { pinned, parent: entry.parent, name: entry.name, at } : { pinned, at };
    this.#forget(entry.id);
    this.#remember(entry.id, mark);
    return this.#table.put(entry.id, mark);
  }

  #remove(id: NodeId): Op[] {
    if (!this.#marks.has(id)) return [];
    this.#forget(id);
    return [this.#table.del(id)];
  }

  #remember(id: NodeId, mark: Mark): void {
    this.#marks.set(id, mark);
    const { parent, name } = mark;
    if (parent !== undefined && name !== undefined) this.#places.set(placeOf({ parent, name }), id);
  }

  #forget(id: NodeId): void {
    const { parent, name } = this.#marks.get(id) ?? {};
    this.#marks.delete(id);
    if (parent === undefined || name === undefined) return;
    const place = placeOf({ parent, name });
    if (this.#places.get(place) === id) this.#places.delete(place);
  }

  /** A failed disk is noticed by the change that caused this. */
  #write(ops: readonly Op[]): void {
    if (ops.length > 0) this.#parts.writer.write(ops).catch(() => undefined);
  }
}

function placeOf({ parent, name }: { readonly parent: NodeId; readonly name: string }): string {
  return `${parent}/${name}`;
}
