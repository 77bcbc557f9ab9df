import { background } from '../vfs/context.ts';
import type { Change, FileSystem } from '../vfs/file-system.ts';
import type { Attr, NodeId } from '../vfs/node.ts';
import type { InodeTable } from './inode-table.ts';
import type { Inode } from './inode.ts';
import type { Notifier } from './notifier.ts';
import { digest } from './reply.ts';

type EntryChange = Extract<Change, { readonly what: 'entry' }>;

/**
 * Keeps what the kernel remembers true. The kernel believes for a long time what it was told; so it must hear of every
 * change but those that it asked for itself, about which it knows.
 */
export class Coherence {
  readonly #fs: FileSystem;
  readonly #inodes: InodeTable;
  readonly #notifier: Notifier;
  /** Names that a request of the kernel is changing → the changes told of meanwhile. */
  readonly #names = new Map<string, number>();
  /** The kernel can be told to ask again. Set by INIT. */
  expires = false;
  #epoch = 0;

  constructor(fs: FileSystem, inodes: InodeTable, notifier: Notifier) {
    this.#fs = fs;
    this.#inodes = inodes;
    this.#notifier = notifier;
  }

  /** Grows with every change from elsewhere: an answer begun under another epoch may be overtaken. */
  get epoch(): number {
    return this.#epoch;
  }

  start(): () => void {
    return this.#fs.watch((change) => this.#heard(change));
  }

  /** The kernel is changing a name. Call what is returned when the request is answered. */
  changingName(folder: Inode, name: string): (waited: boolean) => void {
    const key = `${folder.nodeid}/${name}`;
    this.#names.set(key, this.#names.get(key) ?? 0);
    folder.changing++;
    return (waited) => {
      folder.changing--;
      const heard = this.#names.get(key) ?? 0;
      this.#names.delete(key);
      // Other requests were served meanwhile: one of the changes may have been somebody else's.
      if (waited && heard > 1) this.#tellName(folder, name);
    };
  }

  /** The kernel is to look the name up anew. */
  forgetName(folder: Inode, name: string): void {
    this.#tellName(folder, name);
  }

  /** The kernel is to read the content anew. */
  forgetPages(inode: Inode): void {
    inode.cached = undefined;
    this.#tellNode(inode, true);
  }

  /** The kernel is to ask for the attributes anew. */
  forgetAttributes(inode: Inode): void {
    this.#tellNode(inode, false);
  }

  /** The kernel has changed the node; `attr` is what it is now. The kernel's pages have the new content already. */
  changed(inode: Inode, attr: Attr): void {
    inode.told = digest(attr);
    inode.cached = attr.version;
  }

  #heard(change: Change): void {
    if (change.what === 'entry') this.#heardName(change);
    else this.#heardNode(change.node, change.content);
  }

  #heardName({ folder, name, removed }: EntryChange): void {
    const inode = this.#inodes.find(folder);
    if (inode === undefined) return;
    const key = `${inode.nodeid}/${name}`;
    const heard = this.#names.get(key);
    const node = removed === undefined ? undefined : this.#inodes.find(removed);
    if (heard === undefined && node !== undefined) {
      // Without this the kernel would go on to give out its number of links.
      node.unlinked = true;
      this.#notifier.removed(inode.nodeid, name, node.nodeid);
    }
    if (heard === undefined) this.#tellName(inode, name);
    else this.#names.set(key, heard + 1);
  }

  #tellName(folder: Inode, name: string): void {
    this.#epoch++;
    this.#notifier.entry(folder.nodeid, name, this.expires);
    // A name that the kernel has not looked up is in the cached listing all the same.
    this.#notifier.inode(folder.nodeid, true);
  }

  #heardNode(node: NodeId, content: boolean): void {
    const inode = this.#inodes.find(node);
    if (inode === undefined || inode.changing > 0) return;
    const attr = this.#now(node);
    if (attr === undefined) return this.#tellNode(inode, content);
    if (attr.version !== inode.cached) {
      // What the kernel reads after it was told is this content or a later one.
      inode.restless ||= inode.cached !== undefined;
      inode.cached = attr.version;
      return this.#tellNode(inode, true);
    }
    if (inode.told !== digest(attr)) this.#tellNode(inode, false);
  }

  #tellNode(inode: Inode, content: boolean): void {
    this.#epoch++;
    inode.told = 0;
    this.#notifier.inode(inode.nodeid, content);
  }

  /** What the port answers at once; nothing if it must wait or cannot. */
  #now(node: NodeId): Attr | undefined {
    try {
      const attr = this.#fs.getattr(node, background);
      if (!(attr instanceof Promise)) return attr;
      attr.catch(() => {});
    } catch {
      // A node that is gone: the kernel must ask and be told so.
    }
    return undefined;
  }
}
