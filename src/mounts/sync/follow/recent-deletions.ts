import { LRUCache } from 'lru-cache';
import { atMost } from '../../../vfs/lru.ts';
import type { NodeRecord } from '../../../cloud/records.ts';
import type { NodeId } from '../../../vfs/node.ts';

/** More than a page of the feed and all batches that can be on their way beside it. */
const KEPT = 20_000;

/** The space of a removed node, and the revision of the removal, or of the move that took the node's place. */
type Deletion = Pick<NodeRecord, 'space' | 'rev'>;

/**
 * Nodes that the cloud has removed. A page of the feed that was read a moment before this computer's removal still has them, and
 * so has a result that was on its way while the feed reported another computer's: neither must bring them back.
 */
export class RecentDeletions {
  /** At this computer's wish. */
  readonly #own = new LRUCache<NodeId, Deletion>(atMost(KEPT));
  readonly #reported = new LRUCache<NodeId, Deletion>(atMost(KEPT));

  /** The cloud has removed a node at this computer's wish. */
  add(node: NodeId, { space, rev }: Deletion): void {
    this.#own.set(node, { space, rev });
  }

  /** The feed has reported that a node was removed. */
  report(node: NodeId, { space, rev }: Deletion): void {
    this.#reported.set(node, { space, rev });
  }

  /** Whether this process has removed the node. */
  has(node: NodeId): boolean {
    return this.#own.has(node);
  }

  /** Forgets all: the cloud has gone back in time. */
  clear(): void {
    this.#own.clear();
    this.#reported.clear();
  }

  /**
   * True for a record that is older than the removal of its node; if that is not shown here, also than this computer's removal of the
   * folder that it was in. What is shown elsewhere has been moved into that folder, and goes with it.
   */
  outdates(record: NodeRecord, isShown: boolean): boolean {
    const { id, parent } = record;
    const own = this.#own.get(id) ?? (isShown ? undefined : this.#own.get(parent));
    if (own !== undefined && isBefore(record, own)) {
      this.add(id, own);
      return true;
    }
    const reported = this.#reported.get(id);
    return reported !== undefined && isBefore(record, reported);
  }
}

/** Revisions of two spaces do not compare: the node may have moved to the record's. */
function isBefore({ space, rev }: NodeRecord, gone: Deletion): boolean {
  return space === gone.space && rev <= gone.rev;
}
