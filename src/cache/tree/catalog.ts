import type { Awaitable } from '../../vfs/context.ts';
import type { NodeId } from '../../vfs/node.ts';
import { type Entry, entryKey } from './entry.ts';
import type { GroupWriter, Observer, Op } from '../db/group-writer.ts';
import { Listings } from './listings.ts';
import { type Rows, Table } from '../db/table.ts';

/** Files of a space that others have removed. */
export interface SpaceLoss {
  /** When that was shown here, ms. */
  readonly at: number;
  readonly files: number;
  /** Since when they were being removed, by the clock of the cloud, ms. */
  readonly since?: number;
  /** The name of the computer, or the e-mail address of the person. */
  readonly by?: string;
}

/** A space whose tree is in the catalog, and how far its feed has been applied. */
export interface SpaceState {
  readonly id: string;
  readonly kind: 'sync' | 'backup' | 'archive' | 'shared';
  readonly name: string;
  /** The folder under which the drive shows it. */
  readonly root: NodeId;
  /** What the cloud calls its root, if that is another one: of a shared space, which is shown under a folder of Sync. */
  readonly cloudRoot?: NodeId;
  /** Of a shared space: what the account may do. */
  readonly role?: 'owner' | 'editor' | 'viewer';
  /** The revision up to which the feed has been applied; -1 before the first snapshot. */
  readonly cursor: number;
  readonly device?: { readonly id: string; readonly name: string };
  readonly writable: boolean;
  /**
   * Set if the catalog may differ from the cloud in a way that the feed will not report; the next pull then compares
   * the whole space.
   */
  readonly resync?: true;
  /**
   * The revision of the last removal of a tree by this computer, until the feed has been applied up to it. What others had moved out of
   * the tree before that comes back with the feed, a folder without its contents.
   */
  readonly treeRemoved?: number;
  /** What others have removed here lately, oldest first (see `removal-guard.ts`). */
  readonly losses?: readonly SpaceLoss[];
  /** Since when removals of others wait for a confirmation, ms. */
  readonly heldSince?: number;
  /** Revisions and their stamps, which the cloud must know unless it has gone back in time. */
  readonly marks?: readonly { readonly rev: number; readonly stamp: string }[];
}

export interface CatalogRows {
  readonly entries: Rows;
  readonly places: Rows;
  readonly spaces: Rows;
}

export interface CatalogPage {
  readonly entries: readonly Entry[];
  readonly more: boolean;
}

/**
 * In front of an id in the table of places: the node is now known under that id. One or two revisions and another `=` may come
 * between (see `alias`). No id contains it.
 */
const ALIAS = '=';

/**
 * The local replica of the tree of every space, with local changes applied. Reading is synchronous, except for
 * listings. Changes are returned as ops, which the caller submits through the `GroupWriter` together with other ops
 * that must take effect at the same moment.
 */
export class Catalog {
  readonly #entries: Table<Entry>;
  /** Node id → key of its entry. */
  readonly #places: Table<string>;
  readonly #spaces: Table<SpaceState>;

  readonly #listings: Listings;
  #onPut: (entry: Entry) => void = () => undefined;
  /** The folders under which shared spaces are shown. */
  readonly #mounts = new Map<string, NodeId>();

  constructor(rows: CatalogRows, writer: GroupWriter, hotBytes: number) {
    this.#listings = new Listings(Math.ceil(hotBytes * 0.3));
    const observer: Observer = {
      submitted: (op) => {
        this.#listings.submitted(op);
        if (op.type === 'put') this.#onPut(op.value as Entry);
      },
      lost: (op) => this.#listings.lost(op),
    };
    this.#entries = new Table<Entry>('entries', rows.entries, writer, Math.ceil(hotBytes * 0.5), observer);
    this.#places = new Table<string>('places', rows.places, writer, Math.ceil(hotBytes * 0.2));
    this.#spaces = new Table<SpaceState>('spaces', rows.spaces, writer, 1 << 20);
  }

  /** Calls `listener` in the turn in which an entry is written, before others of the same change are. */
  onPut(listener: (entry: Entry) => void): void {
    this.#onPut = listener;
  }

  /**
   * The node with this id, or with the id that has replaced it (`alias`). The caller must then use the entry's own
   * `id`.
   */
  get(id: NodeId): Entry | undefined {
    const key = this.#places.get(id);
    if (key === undefined) return undefined;
    return key.startsWith(ALIAS) ? this.get(key.slice(key.lastIndexOf(ALIAS) + 1)) : this.#entries.get(key);
  }

  /**
   * Whether a record is of a node that goes by another id, and older than that. What has left a folder before the cloud removed that
   * is not: it is alive elsewhere.
   */
  isSuperseded({ id, parent, rev }: { readonly id: NodeId; readonly parent: NodeId; readonly rev: number }): boolean {
    const bounds = this.#aliasOf(id);
    if (bounds === undefined || rev > bounds.removed) return false;
    return rev <= bounds.shown || this.isRemoved(parent, rev);
  }

  /** Whether an id is an alias because the cloud has removed the node, or a folder above it, after this revision. */
  isRemoved(id: NodeId, rev: number): boolean {
    const removed = this.#aliasOf(id)?.removed;
    return removed !== undefined && removed < Infinity && rev <= removed;
  }

  /** Up to which revisions records of an alias, and of what was in that folder, are outdated. */
  #aliasOf(id: NodeId): { readonly shown: number; readonly removed: number } | undefined {
    const key = this.#places.get(id);
    if (key?.startsWith(ALIAS) !== true) return undefined;
    const end = key.lastIndexOf(ALIAS);
    if (end === 0) return { shown: Infinity, removed: Infinity };
    const [removed = 0, shown = removed] = key.slice(1, end).split('/').map(Number);
    return { shown, removed };
  }

  /** Whether an entry is where its node is known to be. */
  isPlaced({ id, parent, name }: Entry): boolean {
    return this.#places.peek(id) === entryKey(parent, name);
  }

  child(parent: NodeId, name: string): Entry | undefined {
    return this.#entries.get(entryKey(parent, name));
  }

  /** Up to `limit` children after the name `after`, in the order of their names' UTF-8 bytes. */
  page(parent: NodeId, after: string | undefined, limit: number): Awaitable<CatalogPage> {
    return this.#listings.page(parent, after, limit) ?? this.#readPage(parent, after, limit);
  }

  async isEmpty(folder: NodeId): Promise<boolean> {
    const { entries } = await this.page(folder, undefined, 1);
    return entries.length === 0;
  }

  /** Yields everything below a folder, each folder before its content, page by page. */
  async *below(folder: NodeId): AsyncGenerator<Entry> {
    const folders = [folder];
    for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
      for await (const entry of this.children(next)) {
        if (entry.id === folder) continue;
        yield entry;
        if (entry.kind === 'folder') folders.push(entry.id);
      }
    }
  }

  /** Yields the children of a folder, page by page. */
  async *children(folder: NodeId): AsyncGenerator<Entry> {
    let after: string | undefined;
    for (let more = true; more;) {
      const page = await this.page(folder, after, 500);
      yield* page.entries;
      after = page.entries.at(-1)?.name;
      more = page.more && after !== undefined;
    }
  }

  /** Yields every entry, in no particular order, page by page. Entries that move in the meantime may be missed. */
  async *everything(): AsyncGenerator<Entry> {
    for (let gt = ''; ;) {
      const page = await this.#entries.range({ gt, lt: '\u{10ffff}', limit: 500 });
      for (const [key, entry] of page) {
        gt = key;
        yield entry;
      }
      if (page.length < 500) return;
    }
  }

  /**
   * Yields the folders from an entry's parent up to the root of the drive, nearest first. Ends early if one is unknown.
   */
  *ancestors(entry: Entry): Generator<Entry> {
    const seen = new Set<NodeId>([entry.id]);
    for (let id = entry.parent; !seen.has(id);) {
      seen.add(id);
      const parent = this.get(id);
      if (parent === undefined) return;
      yield parent;
      id = parent.parent;
    }
  }

  /** True if the node can be reached from the root of the drive; false below a folder that is being removed. */
  isReachable({ id }: Entry): boolean {
    const entry = this.get(id);
    if (entry === undefined) return false;
    let top = entry;
    for (const ancestor of this.ancestors(entry)) top = ancestor;
    return top.parent === top.id;
  }

  /** Names from the root of the drive to the entry; for people and error texts. */
  path(entry: Entry): string {
    const names = [entry.name];
    for (const ancestor of this.ancestors(entry)) names.unshift(ancestor.name);
    return `/${names.filter((name) => name !== '').join('/')}`;
  }

  /**
   * Writes an entry. `before` is the old entry, if its place changes. An entry that has the new place must be removed
   * before.
   */
  put(entry: Entry, before?: Entry): Op[] {
    const key = entryKey(entry.parent, entry.name);
    const ops: Op[] = [];
    if (before !== undefined && entryKey(before.parent, before.name) !== key) {
      ops.push(this.#entries.del(entryKey(before.parent, before.name)));
    }
    ops.push(this.#entries.put(key, entry));
    const stays = before?.id === entry.id && this.#places.get(entry.id) === key;
    if (!stays) ops.push(this.#places.put(entry.id, key));
    return ops;
  }

  /** Writes an entry whose id, parent and name are unchanged. */
  update(entry: Entry): Op {
    return this.#entries.put(entryKey(entry.parent, entry.name), entry);
  }

  /**
   * Removes one entry; the name stays if another node has it by now. Everything below the entry becomes unreachable; the caller must
   * remove it, using `below`.
   */
  remove(entry: Entry): Op[] {
    const key = entryKey(entry.parent, entry.name);
    const holder = this.#entries.get(key);
    const isTaken = holder !== undefined && holder.id !== entry.id;
    return [...(isTaken ? [] : [this.#entries.del(key)]), this.#places.del(entry.id)];
  }

  /** Forgets where a node is known to be if another one is there, and that is not because it goes by another id now. */
  forgetFalsePlace(id: NodeId): Op[] {
    const key = this.#places.get(id);
    if (key === undefined || key.startsWith(ALIAS) || this.#entries.get(key)?.id === id) return [];
    return [this.#places.del(id)];
  }

  /** Removes a second entry of a node, which stays where it is known to be. */
  dropSecond({ parent, name }: Entry): Op {
    return this.#entries.del(entryKey(parent, name));
  }

  /**
   * From now on `get(from)` returns the node `to`: two nodes have become one, or the cloud has removed one, at `removed`, that
   * was created again here. A later record of `from` shows that it has been restored from the Trash. If it was not removed itself but
   * a folder above it, records after `shown` may be of another place that it has been moved to before.
   */
  alias(from: NodeId, to: NodeId, removed?: number, shown?: number): Op {
    const bounds =
      removed === undefined ? '' : `${[removed, ...(shown === undefined ? [] : [shown])].join('/')}${ALIAS}`;
    return this.#places.put(from, `${ALIAS}${bounds}${to}`);
  }

  space(id: string): SpaceState | undefined {
    return this.#spaces.get(id);
  }

  /** The revision of a space up to which its changes are known here. */
  seen(space: string): number {
    return Math.max(0, this.space(space)?.cursor ?? 0);
  }

  async spaces(): Promise<SpaceState[]> {
    const rows = await this.#spaces.range({ gt: '', lt: '\u{10ffff}', limit: 100_000 });
    const spaces = rows.map(([, space]) => space);
    for (const { id, root, cloudRoot } of spaces) if (cloudRoot !== undefined) this.#mounts.set(id, root);
    return spaces;
  }

  /** The folders below a node, or itself, under which shared spaces are shown. */
  mountsBelow(node: Pick<Entry, 'id' | 'kind'>): Entry[] {
    if (node.kind !== 'folder') return [];
    return [...this.#mounts.values()].flatMap((root) => {
      const mount = this.get(root);
      if (mount === undefined) return [];
      const isBelow = mount.id === node.id || [...this.ancestors(mount)].some(({ id }) => id === node.id);
      return isBelow ? [mount] : [];
    });
  }

  putSpace(space: SpaceState): Op {
    if (space.cloudRoot !== undefined) this.#mounts.set(space.id, space.root);
    return this.#spaces.put(space.id, space);
  }

  removeSpace(id: string): Op {
    this.#mounts.delete(id);
    return this.#spaces.del(id);
  }

  #readPage(parent: NodeId, after: string | undefined, limit: number): Promise<CatalogPage> {
    return this.#listings.learn(parent, after, async () => {
      // '0' is the character after '/', so this is the end of the parent's range.
      const bounds = { gt: entryKey(parent, after ?? ''), lt: `${parent}0`, limit: limit + 1 };
      const rows = await this.#entries.range(bounds);
      return { entries: rows.slice(0, limit).map(([, entry]) => entry), more: rows.length > limit };
    });
  }
}
