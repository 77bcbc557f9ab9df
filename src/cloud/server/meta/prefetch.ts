import type { Db, NodeRow } from './schema.ts';
import { storedBlocks, type StoredBlock } from './stored-blocks.ts';

/** Keys that a batch is likely to look up. */
export interface PrefetchKeys {
  /** Ids of nodes. */
  readonly nodes: readonly string[];
  readonly places: readonly { readonly parent: string; readonly name: string }[];
  /** Ids of versions. */
  readonly versions: readonly string[];
  /** Of blocks. */
  readonly digests: readonly string[];
}

/**
 * Rows that a transaction has read ahead, many per statement. Code that changes such a row must update it here, too.
 * `undefined` means that a row was not prefetched, and the database must be queried. Must be used by one caller at a
 * time.
 */
export class Prefetch {
  readonly #roots = new Map<string, boolean>();
  readonly #children = new Map<string, string | null>();
  readonly #versions = new Map<string, boolean>();
  readonly #blocks = new Map<string, StoredBlock | null>();

  /** Reads the rows for these keys. Resolves to the nodes found. */
  async read(db: Db, account: string, prefetchKeys: PrefetchKeys): Promise<NodeRow[]> {
    await this.#readRoots(db, prefetchKeys.nodes);
    await this.#readVersions(db, prefetchKeys.versions);
    await this.#readBlocks(db, account, prefetchKeys.digests);
    return await this.#readChildren(db, prefetchKeys.places);
  }

  /** Whether this id is the root of a space. */
  isRoot(id: string): boolean | undefined {
    return this.#roots.get(id);
  }

  /** The id of the node with this name in the folder; `null` if there is none. */
  child(parent: string, name: string): string | null | undefined {
    return this.#children.get(placeKey(parent, name));
  }

  /** Whether a version with this id exists. */
  hasVersion(id: string): boolean | undefined {
    return this.#versions.get(id);
  }

  /** The stored block, `null` if it is not stored. Code that changes its references must update its count. */
  block(digest: string): StoredBlock | null | undefined {
    return this.#blocks.get(digest);
  }

  tellChild(parent: string, name: string, id: string): void {
    this.#children.set(placeKey(parent, name), id);
  }

  tellVersion(id: string, exists: boolean): void {
    this.#versions.set(id, exists);
  }

  forgetChild(parent: string, name: string): void {
    this.#children.delete(placeKey(parent, name));
  }

  forgetChildren(): void {
    this.#children.clear();
  }

  async #readRoots(db: Db, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const rows = await db.selectFrom('spaces').select('root').where('root', 'in', ids).execute();
    for (const id of ids) this.#roots.set(id, false);
    for (const { root } of rows) this.#roots.set(root, true);
  }

  async #readVersions(db: Db, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const rows = await db.selectFrom('versions').select('id').where('id', 'in', ids).execute();
    for (const id of ids) this.#versions.set(id, false);
    for (const { id } of rows) this.#versions.set(id, true);
  }

  async #readBlocks(db: Db, account: string, digests: readonly string[]): Promise<void> {
    const stored = await storedBlocks(db, account, digests);
    for (const digest of digests) this.#blocks.set(digest, stored.get(digest) ?? null);
  }

  async #readChildren(db: Db, places: PrefetchKeys['places']): Promise<NodeRow[]> {
    const found: NodeRow[] = [];
    for (const [parent, names] of namesByParent(places)) {
      const rows = await db
        .selectFrom('nodes')
        .selectAll()
        .where('parent', '=', parent)
        .where('name', 'in', [...names])
        .where('removed', 'is', null)
        .execute();
      for (const name of names) this.#children.set(placeKey(parent, name), null);
      for (const row of rows) this.tellChild(parent, row.name, row.id);
      found.push(...rows);
    }
    return found;
  }
}

function placeKey(parent: string, name: string): string {
  return `${parent}/${name}`;
}

function namesByParent(places: PrefetchKeys['places']): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const { parent, name } of places) {
    const known = names.get(parent);
    if (known === undefined) names.set(parent, new Set([name]));
    else known.add(name);
  }
  return names;
}
