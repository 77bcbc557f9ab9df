import type { NodeId } from '../vfs/node.ts';
import type { BackupStore, StoreOp } from '../backup/store.ts';
import { asideName } from './hidden-folder.ts';
import type { Known } from './known.ts';

/** Appended to a prefix, it sorts after all keys with that prefix. */
const LAST = '\u{10ffff}';
const ROWS = 1000;
/** Files with one inode that are looked at. */
const CANDIDATES = 8;

/**
 * The state that a local folder and the drive last agreed on. Rows: nodes by folder and name (`c`), places by id (`i`), ids by
 * inode (`o`). Without it, the two sides are united anew.
 */
export class Base {
  readonly #store: BackupStore;

  constructor(store: BackupStore) {
    this.#store = store;
  }

  get(id: NodeId): Known | undefined {
    const place = this.#store.getSync(`i${id}`);
    const text = place === undefined ? undefined : this.#store.getSync(`c${JSON.parse(place) as string}`);
    const known = text === undefined ? undefined : (JSON.parse(text) as Known);
    return known?.id === id ? known : undefined;
  }

  at(parent: NodeId, name: string): Known | undefined {
    const text = this.#store.getSync(`c${parent}\0${name}`);
    return text === undefined ? undefined : (JSON.parse(text) as Known);
  }

  async children(parent: NodeId): Promise<Known[]> {
    const rows = await this.#rows(`c${parent}\0`);
    return rows.map(([, text]) => JSON.parse(text) as Known);
  }

  /** The nodes that had this inode. */
  async withInode(inode: string): Promise<Known[]> {
    const prefix = `o${inode}\0`;
    const rows = await this.#store.range({ gt: prefix, lt: prefix + LAST, limit: CANDIDATES });
    return rows.flatMap(([key]) => this.get(key.slice(prefix.length)) ?? []);
  }

  /** The names that lead from `top` to a node; undefined if it is not below it. */
  path(known: Pick<Known, 'parent' | 'name'>, top: NodeId): string | undefined {
    const names = [known.name];
    for (let at = known.parent; at !== top;) {
      const above = this.get(at);
      if (!above || names.length > 4096) return undefined;
      names.unshift(above.name);
      at = above.parent;
    }
    return names.join('/');
  }

  /** The number of files below a folder. */
  async countFiles(id: NodeId): Promise<number> {
    let count = 0;
    for (const child of await this.children(id)) count += child.kind === 'folder' ? await this.countFiles(child.id) : 1;
    return count;
  }

  /** Writes a node in its new state, whatever it was before. What has its place keeps none that could be found on the disk. */
  async put(known: Known): Promise<void> {
    const before = this.get(known.id);
    const holder = this.at(known.parent, known.name);
    const ops: StoreOp[] = before ? this.#unlink(before) : [];
    if (holder && holder.id !== known.id) ops.push(...link({ ...holder, name: asideName(holder.id, holder.name) }));
    await this.#store.write([...ops, ...link(known)]);
  }

  /** A node has another id: what is in it goes along. */
  async rename(from: NodeId, to: NodeId): Promise<Known | undefined> {
    const known = this.get(from);
    if (!known) return undefined;
    const children = await this.children(from);
    await this.#store.write([...this.#unlink(known), { type: 'del', key: `i${from}` }]);
    const renamed = { ...known, id: to };
    await this.put(renamed);
    for (const child of children) await this.put({ ...child, parent: to });
    return renamed;
  }

  /** Forgets a node and all below it. */
  async forget(known: Known): Promise<void> {
    for (const child of known.kind === 'folder' ? await this.children(known.id) : []) await this.forget(child);
    const now = this.get(known.id);
    if (now) await this.#store.write([...this.#unlink(now), { type: 'del', key: `i${known.id}` }]);
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    for (const prefix of ['c', 'i', 'o']) {
      const rows = await this.#rows(prefix);
      await this.#store.write(rows.map(([key]) => ({ type: 'del', key })));
    }
  }

  #unlink(known: Known): StoreOp[] {
    return [
      { type: 'del', key: `c${known.parent}\0${known.name}` },
      { type: 'del', key: `o${known.local.inode}\0${known.id}` },
    ];
  }

  async #rows(prefix: string): Promise<[string, string][]> {
    const all: [string, string][] = [];
    for (let gt = prefix; ;) {
      const rows = await this.#store.range({ gt, lt: prefix + LAST, limit: ROWS });
      all.push(...rows);
      if (rows.length < ROWS) return all;
      gt = rows.at(-1)?.[0] ?? gt;
    }
  }
}

function link(known: Known): StoreOp[] {
  const place = `${known.parent}\0${known.name}`;
  return [
    { type: 'put', key: `c${place}`, value: known },
    { type: 'put', key: `i${known.id}`, value: place },
    { type: 'put', key: `o${known.local.inode}\0${known.id}`, value: 0 },
  ];
}
