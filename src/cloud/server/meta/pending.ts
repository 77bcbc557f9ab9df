import type { Caller } from './caller.ts';
import type { Inserter } from './inserter.ts';
import type { Db, NodeRow, VersionRow } from './schema.ts';
import { refer, type StoredBlock } from './stored-blocks.ts';

/** Rows that wait. */
const ROWS = 1000;
/** Bytes of manifests that wait. */
const MANIFESTS = 1024 * 1024;

/** What writes the rows; kept by whoever makes the transactions. */
export interface Inserters {
  readonly nodes: Inserter<'nodes'>;
  readonly versions: Inserter<'versions'>;
  readonly intents: Inserter<'intents'>;
}

/** New rows of one transaction that are still to be written, many by one statement. Single-owner. */
export class Pending {
  readonly #inserters: Inserters;
  #nodes: NodeRow[] = [];
  #versions: VersionRow[] = [];
  /** By block: the number of added references. */
  #references = new Map<string, number>();
  #manifests = 0;
  /** Bytes of blocks that no version contained before. */
  #used = 0;

  constructor(inserters: Inserters) {
    this.#inserters = inserters;
  }

  get isEmpty(): boolean {
    return this.#nodes.length + this.#versions.length + this.#references.size === 0;
  }

  /** True if the rows should be written soon. */
  get isFull(): boolean {
    return this.#nodes.length >= ROWS || this.#versions.length >= ROWS || this.#manifests > MANIFESTS;
  }

  addNode(row: NodeRow): void {
    this.#nodes.push(row);
  }

  addVersion(row: VersionRow): void {
    this.#versions.push(row);
    this.#manifests += row.manifest.length;
  }

  /** Adds a reference to the block, also in `block`. Returns by how many bytes the account's use grows. */
  addReference(block: StoredBlock): number {
    this.#references.set(block.digest, (this.#references.get(block.digest) ?? 0) + 1);
    block.refs += 1;
    const bytes = block.refs === 1 ? block.size : 0;
    this.#used += bytes;
    return bytes;
  }

  /**
   * Writes all rows. Resolves to the difference in bytes between the account's use and what `addReference` returned. It
   * is 0 unless another transaction has added references to the same blocks in the meantime.
   */
  async write(db: Db, caller: Caller, now: number): Promise<number> {
    const [nodes, versions, references, used] = [this.#nodes, this.#versions, this.#references, this.#used];
    [this.#nodes, this.#versions, this.#references, this.#used, this.#manifests] = [[], [], new Map(), 0, 0];
    await this.#inserters.nodes.insert(db, nodes);
    await this.#inserters.versions.insert(db, versions);
    let actual = 0;
    for (const [count, digests] of byCount(references)) actual += await refer(db, caller, now, { digests, count });
    return actual - used;
  }
}

function byCount(references: ReadonlyMap<string, number>): Map<number, string[]> {
  const groups = new Map<number, string[]>();
  for (const [digest, count] of references) {
    const group = groups.get(count);
    if (group === undefined) groups.set(count, [digest]);
    else group.push(digest);
  }
  return groups;
}
