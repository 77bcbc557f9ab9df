import type { Attr, NodeId } from '../vfs/node.ts';
import { ESTALE, Errno } from './errno.ts';
import { Inode } from './inode.ts';

/** The kernel's node id of the root. */
export const ROOT = 1;

/**
 * Assigns the kernel's node ids. An id is never reused, so the generation is always 0. A node stays here as long as the
 * kernel references it or has it open.
 */
export class InodeTable {
  readonly root: Inode;
  readonly #byNumber = new Map<number, Inode>();
  readonly #byId = new Map<NodeId, Inode>();
  readonly #added: () => void;
  #last = ROOT;

  /** @param added called for each new node in the table */
  constructor(root: NodeId, added = (): void => {}) {
    this.#added = added;
    this.root = new Inode(ROOT, root);
    this.#byNumber.set(ROOT, this.root);
    this.#byId.set(root, this.root);
  }

  get size(): number {
    return this.#byNumber.size;
  }

  /** @throws Errno ESTALE for an id that is not in use */
  get(nodeid: number): Inode {
    const inode = this.#byNumber.get(nodeid);
    if (inode === undefined) throw new Errno(ESTALE);
    return inode;
  }

  find(id: NodeId): Inode | undefined {
    return this.#byId.get(id);
  }

  /** The inode of a node that is about to be sent to the kernel. Increments its lookup count. */
  remember({ id }: Attr): Inode {
    const inode = this.#byId.get(id) ?? this.#add(id);
    inode.lookups++;
    return inode;
  }

  /**
   * The ids of up to `count` nodes that have been in the table longest and are not open. They are then moved to the
   * end.
   */
  oldest(count: number): number[] {
    const found: Inode[] = [];
    for (const inode of this.#byNumber.values()) {
      if (found.length === count) break;
      if (inode !== this.root && inode.files === undefined) found.push(inode);
    }
    for (const inode of found) {
      this.#byNumber.delete(inode.nodeid);
      this.#byNumber.set(inode.nodeid, inode);
    }
    return found.map(({ nodeid }) => nodeid);
  }

  /** Decrements the lookup count by `count`, as requested by FORGET. Unknown ids are ignored. */
  forget(nodeid: number, count: number): void {
    const inode = this.#byNumber.get(nodeid);
    if (inode === undefined || inode === this.root) return;
    inode.lookups -= count;
    this.release(inode);
  }

  /** Makes the next lookup of the node assign a new id. Programs that have this inode open keep its old content. */
  leave(inode: Inode): void {
    inode.left = true;
    if (this.#byId.get(inode.id) === inode) this.#byId.delete(inode.id);
  }

  /** Drops the inode if it is neither referenced nor open. */
  release(inode: Inode): void {
    if (inode === this.root || inode.lookups > 0 || inode.files !== undefined) return;
    this.#byNumber.delete(inode.nodeid);
    if (this.#byId.get(inode.id) === inode) this.#byId.delete(inode.id);
  }

  #add(id: NodeId): Inode {
    const inode = new Inode(++this.#last, id);
    this.#byNumber.set(inode.nodeid, inode);
    this.#byId.set(id, inode);
    this.#added();
    return inode;
  }
}
