import { LRUCache } from 'lru-cache';
import { atMost } from '../../../vfs/lru.ts';
import type { NodeRecord } from '../../../cloud/records.ts';
import type { NodeId } from '../../../vfs/node.ts';

/** More than a page of the feed and all batches that can be on their way beside it. */
const KEPT = 20_000;

/**
 * Nodes that the cloud has removed at this computer's wish, with the revision at which it did. A page of the feed that was
 * read a moment before the removal still has them, and must not bring them back until the next page.
 */
export class RecentDeletions {
  readonly #revs = new LRUCache<NodeId, number>(atMost(KEPT));

  /** `rev` is that of the removal, or of the move that took the node's place. */
  add(node: NodeId, rev: number): void {
    this.#revs.set(node, rev);
  }

  has(node: NodeId): boolean {
    return this.#revs.has(node);
  }

  /** Forgets all: the cloud has gone back in time. */
  clear(): void {
    this.#revs.clear();
  }

  /** True for a record that is older than the removal of its node, or of the folder that it was in. */
  outdates({ id, parent, rev }: NodeRecord): boolean {
    const gone = this.#revs.get(id) ?? this.#revs.get(parent);
    if (gone === undefined || rev > gone) return false;
    this.add(id, gone);
    return true;
  }
}
