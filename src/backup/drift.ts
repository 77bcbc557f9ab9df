import { isSameNode, type Mirrored } from './mirrored.ts';
import type { BackupStore, StoreOp } from './store.ts';

/** Appended to a prefix, it sorts after all keys with that prefix. */
const LAST = '\u{10ffff}';
const ROWS = 1000;

/**
 * What the cloud has of the nodes that were changed there: `null` for a removed one. Rows: by id (`x`), and ids by place
 * (`y`). Nodes that the index does not know were created there. What was removed with a folder has no row.
 */
export class Drift {
  readonly #store: BackupStore;
  readonly #half: () => string;
  #isEmpty = false;

  constructor(store: BackupStore, half: () => string) {
    this.#store = store;
    this.#half = half;
  }

  /** Whether nothing was changed in the cloud, as far as `load` and later writes know. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  async load(): Promise<void> {
    const gt = `${this.#half()}x`;
    this.#isEmpty = (await this.#store.range({ gt, lt: gt + LAST, limit: 1 })).length === 0;
  }

  /** Undefined if the node is what the index says. */
  get(id: string): Mirrored | null | undefined {
    if (this.#isEmpty) return undefined;
    const text = this.#store.getSync(`${this.#half()}x${id}`);
    return text === undefined ? undefined : (JSON.parse(text) as Mirrored | null);
  }

  /** The changed node that is at a place of the cloud. */
  at(parent: string, name: string): Mirrored | undefined {
    if (this.#isEmpty) return undefined;
    const id = this.#store.getSync(`${this.#half()}y${parent}\0${name}`);
    const node = id === undefined ? undefined : this.get(JSON.parse(id) as string);
    return node?.parent === parent && node.name === name ? node : undefined;
  }

  async *all(): AsyncGenerator<[id: string, now: Mirrored | null]> {
    let gt = `${this.#half()}x`;
    const [skip, lt] = [gt.length, gt + LAST];
    for (;;) {
      const rows = await this.#store.range({ gt, lt, limit: ROWS });
      for (const [key, text] of rows) yield [key.slice(skip), JSON.parse(text) as Mirrored | null];
      if (rows.length < ROWS) return;
      gt = rows.at(-1)?.[0] ?? lt;
    }
  }

  /** The ops that record what the cloud has now of a node, of which the index says that it has `known`. */
  observe(id: string, now: Mirrored | null, known: Mirrored | undefined): StoreOp[] {
    const ops = this.clear(id);
    const isSame = now === null ? known === undefined : known !== undefined && isSameNode(now, known);
    if (isSame) return ops;
    this.#isEmpty = false;
    ops.push({ type: 'put', key: `${this.#half()}x${id}`, value: now });
    if (now) ops.push({ type: 'put', key: `${this.#half()}y${now.parent}\0${now.name}`, value: id });
    return ops;
  }

  /** The ops after which the node is what the index says. */
  clear(id: string): StoreOp[] {
    const now = this.get(id);
    if (now === undefined) return [];
    const ops: StoreOp[] = [{ type: 'del', key: `${this.#half()}x${id}` }];
    if (now && this.at(now.parent, now.name)?.id === id) {
      ops.push({ type: 'del', key: `${this.#half()}y${now.parent}\0${now.name}` });
    }
    return ops;
  }
}
