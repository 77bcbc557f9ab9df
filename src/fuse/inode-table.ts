import type { Attr, NodeId } from '../vfs/node.ts';
import { ESTALE, Errno } from './errno.ts';
import { Inode } from './inode.ts';

/** The kernel's number of the root. */
export const ROOT = 1;

/**
 * The kernel's numbers for nodes. A number is never given twice, so the generation is always 0. A node stays here as
 * long as the kernel counts on it or has it open.
 */
export class InodeTable {
  readonly root: Inode;
  readonly #byNumber = new Map<number, Inode>();
  readonly #byId = new Map<NodeId, Inode>();
  readonly #added: () => void;
  #last = ROOT;

  /** @param added Called for each node that the kernel gets to know. */
  constructor(root: NodeId, added = (): void => {}) {
    this.#added = added;
    this.root = new Inode(ROOT, root);
    this.#byNumber.set(ROOT, this.root);
    this.#byId.set(root, this.root);
  }

  get size(): number {
    return this.#byNumber.size;
  }

  /** @throws Errno ESTALE for a number that is not in use */
  get(nodeid: number): Inode {
    const inode = this.#byNumber.get(nodeid);
    if (inode === undefined) throw new Errno(ESTALE);
    return inode;
  }

  find(id: NodeId): Inode | undefined {
    return this.#byId.get(id);
  }

  /** The inode of a node that the kernel is about to be told of; counts. */
  remember({ id }: Attr): Inode {
    const inode = this.#byId.get(id) ?? this.#add(id);
    inode.lookups++;
    return inode;
  }

  /** The numbers of the `count` nodes that were known longest and are not open; next time others come first. */
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

  /** The kernel takes `count` of what it was told back. Unknown numbers are ignored. */
  forget(nodeid: number, count: number): void {
    const inode = this.#byNumber.get(nodeid);
    if (inode === undefined || inode === this.root) return;
    inode.lookups -= count;
    this.release(inode);
  }

  /** The node gets another number when it is looked up next; who has this one open goes on with what it was. */
  leave(inode: Inode): void {
    inode.left = true;
    if (this.#byId.get(inode.id) === inode) this.#byId.delete(inode.id);
  }

  /** Drops the inode if nobody needs it any more. */
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
