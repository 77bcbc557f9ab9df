import type { Mark } from '../cloud/records.ts';
import { Drift } from './drift.ts';
import { rowsOf } from './index-rows.ts';
import type { Mirrored } from './mirrored.ts';
import type { BackupStore, StoreOp } from './store.ts';

/** The state of the index itself. */
export interface IndexState {
  readonly space: string;
  readonly root: string;
  /** Which of the two sets of rows is current. */
  readonly half: 'a' | 'b';
  /** Revision of the space up to which the rows are complete. */
  readonly cursor: number;
  /** Marks that the cloud must know unless it has gone back in time. */
  readonly marks?: readonly Mark[] | undefined;
  /** In the source at the last whole run that was not paused. */
  readonly files?: number | undefined;
  /** Of the source folder at the last run that was not paused. */
  readonly source?: { readonly inode: string; readonly disk: string } | undefined;
  /** Signature of the source folder when the root of the mirror got its attributes. */
  readonly described?: string | undefined;
}

/** Appended to a prefix, it sorts after all keys with that prefix. */
const LAST = '\u{10ffff}';
const STATE = 'state';
const ROWS = 1000;
const CANDIDATES = 8;

/**
 * The nodes that runs have put into the mirror of a source folder, and the state of the source when they did. Rows:
 * children by parent and name (`c`); places by id (`i`); ids by content (`h`) and by inode (`o`); ids of nodes that were
 * sent, up to their acknowledgement (`s`). What was changed in the cloud since is in `drift`. If the index is lost, it
 * is rebuilt from the cloud.
 */
export class BackupIndex {
  readonly #store: BackupStore;
  readonly drift: Drift;
  #state: IndexState | undefined;

  constructor(store: BackupStore) {
    this.#store = store;
    this.drift = new Drift(store, () => this.half);
    const text = store.getSync(STATE);
    this.#state = text === undefined ? undefined : (JSON.parse(text) as IndexState);
  }

  get state(): IndexState | undefined {
    return this.#state;
  }

  /** The other set of rows, in which a snapshot is collected until it is complete. */
  get half(): 'a' | 'b' {
    return this.#state?.half ?? 'a';
  }

  async setState(state: IndexState, ops: readonly StoreOp[] = []): Promise<void> {
    await this.#store.write([...ops, { type: 'put', key: STATE, value: state }]);
    this.#state = state;
  }

  async write(ops: readonly StoreOp[]): Promise<void> {
    if (ops.length > 0) await this.#store.write(ops);
  }

  get(id: string, half = this.half): Mirrored | undefined {
    const place = this.#store.getSync(`${half}i${id}`);
    if (place === undefined) return undefined;
    const text = this.#store.getSync(`${half}c${JSON.parse(place) as string}`);
    const node = text === undefined ? undefined : (JSON.parse(text) as Mirrored);
    return node?.id === id ? node : undefined;
  }

  at(parent: string, name: string): Mirrored | undefined {
    const text = this.#store.getSync(`${this.half}c${parent}\0${name}`);
    return text === undefined ? undefined : (JSON.parse(text) as Mirrored);
  }

  /** The path inside the mirror, without a leading '/'; undefined if a folder above the node is unknown. */
  path(node: Mirrored): string | undefined {
    const names = [node.name];
    for (let at = node.parent; at !== this.#state?.root;) {
      const parent = this.get(at);
      if (!parent || names.length > 4096) return undefined;
      names.unshift(parent.name);
      at = parent.parent;
    }
    return names.join('/');
  }

  /**
   * Yields the children with names after `after` up to and including `upTo`, in the order of their names' UTF-8 bytes.
   */
  async *children(parent: string, after?: string, upTo?: string): AsyncGenerator<Mirrored> {
    const base = `${this.half}c${parent}\0`;
    let gt = base + (after ?? '');
    const lt = upTo === undefined ? base + LAST : `${base}${upTo}\0`;
    for (;;) {
      const rows = await this.#store.range({ gt, lt, limit: ROWS });
      for (const [, text] of rows) yield JSON.parse(text) as Mirrored;
      if (rows.length < ROWS) return;
      gt = rows.at(-1)?.[0] ?? lt;
    }
  }

  async isEmpty(): Promise<boolean> {
    for await (const _ of this.children(this.#state?.root ?? '')) return false;
    return true;
  }

  /**
   * Yields some files with this content. Not all, as with thousands of copies comparing each with each would take
   * forever.
   */
  withHash(hash: string): AsyncGenerator<Mirrored> {
    return this.#found(`h${hash}`);
  }

  /** Yields the nodes that were created from this file or folder on the source's disk: some, unless more are asked for. */
  withInode(inode: string, limit = CANDIDATES): AsyncGenerator<Mirrored> {
    return this.#found(`o${inode}`, limit);
  }

  /** The number of files below a folder. */
  async countFiles(id: string): Promise<number> {
    let count = 0;
    for await (const child of this.children(id)) count += child.kind === 'folder' ? await this.countFiles(child.id) : 1;
    return count;
  }

  /** The ops that write a node; `before` is its old state, if it is known. */
  put(node: Mirrored, before: Mirrored | undefined, half = this.half): StoreOp[] {
    const ops = before ? this.#unlink(before, half) : [];
    for (const [key, value] of rowsOf(node, half)) ops.push({ type: 'put', key, value });
    return ops;
  }

  /** Removes the node and everything below it. */
  async remove(node: Mirrored): Promise<void> {
    if (node.kind === 'folder') {
      for await (const child of this.children(node.id)) await this.remove(child);
    }
    await this.write(this.forget(node));
  }

  /** The ops that remove a node, not what is below it, and what the cloud has of it. */
  forget(node: Mirrored): StoreOp[] {
    const place: StoreOp = { type: 'del', key: `${this.half}i${node.id}` };
    return [...this.#unlink(node, this.half), place, ...this.drift.clear(node.id)];
  }

  /** The op that keeps the ids of nodes that are about to be created, or of none any more, under the id of a batch. */
  sending(batch: string, nodes: readonly string[]): StoreOp {
    const key = `${this.half}s${batch}`;
    return nodes.length === 0 ? { type: 'del', key } : { type: 'put', key, value: nodes };
  }

  /** Nodes of which it is not known whether the cloud has created them. */
  async unacknowledged(): Promise<Set<string>> {
    const gt = `${this.half}s`;
    const rows = await this.#store.range({ gt, lt: gt + LAST, limit: ROWS });
    return new Set(rows.flatMap(([, text]) => JSON.parse(text) as string[]));
  }

  /** Deletes all rows whose keys begin with `prefix`, such as those of one half. */
  async clear(prefix: string): Promise<void> {
    for (;;) {
      const rows = await this.#store.range({ gt: prefix, lt: prefix + LAST, limit: ROWS });
      await this.write(rows.map(([key]) => ({ type: 'del', key })));
      if (rows.length < ROWS) return;
    }
  }

  #unlink(node: Mirrored, half: string): StoreOp[] {
    const ops: StoreOp[] = [];
    const key = `${half}c${node.parent}\0${node.name}`;
    const there = this.#store.getSync(key);
    // Another node may already have this place.
    if (there !== undefined && (JSON.parse(there) as Mirrored).id === node.id) ops.push({ type: 'del', key });
    if (node.hash !== null) ops.push({ type: 'del', key: `${half}h${node.hash}\0${node.id}` });
    if (node.source) ops.push({ type: 'del', key: `${half}o${node.source.inode}\0${node.id}` });
    return ops;
  }

  async *#found(prefix: string, limit = CANDIDATES): AsyncGenerator<Mirrored> {
    const gt = `${this.half}${prefix}\0`;
    for (const [key] of await this.#store.range({ gt, lt: gt + LAST, limit })) {
      const node = this.get(key.slice(gt.length));
      if (node) yield node;
    }
  }
}
