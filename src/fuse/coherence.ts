import { background } from '../vfs/context.ts';
import type { Change, FileSystem } from '../vfs/file-system.ts';
import type { Attr, NodeId } from '../vfs/node.ts';
import type { InodeTable } from './inode-table.ts';
import type { Inode } from './inode.ts';
import type { Notifier } from './notifier.ts';
import { digest } from './reply.ts';

type EntryChange = Extract<Change, { readonly what: 'entry' }>;

/**
 * Keeps the kernel's caches coherent. The kernel caches names and attributes for a long time, so it must be notified of
 * every change except those that it has requested itself.
 */
export class Coherence {
  readonly #fs: FileSystem;
  readonly #inodes: InodeTable;
  readonly #notifier: Notifier;
  /** Names that a request of the kernel is changing → the number of change notifications in the meantime. */
  readonly #names = new Map<string, number>();
  /** Whether the kernel supports expiring names. Set by INIT. */
  expires = false;
  #epoch = 0;

  constructor(fs: FileSystem, inodes: InodeTable, notifier: Notifier) {
    this.#fs = fs;
    this.#inodes = inodes;
    this.#notifier = notifier;
  }

  /** Grows with every change made elsewhere. A response that was started under another epoch may be outdated. */
  get epoch(): number {
    return this.#epoch;
  }

  start(): () => void {
    return this.#fs.watch((change) => this.#apply(change));
  }

  /** Records that the kernel is changing a name. The returned function must be called when the request has ended. */
  changingName(folder: Inode, name: string): (waited: boolean) => void {
    const key = `${folder.nodeid}/${name}`;
    this.#names.set(key, this.#names.get(key) ?? 0);
    folder.changing++;
    return (waited) => {
      folder.changing--;
      const changes = this.#names.get(key) ?? 0;
      this.#names.delete(key);
      // Other requests ran in the meantime, so one of the changes may have been made elsewhere.
      if (waited && changes > 1) this.#notifyEntry(folder, name);
    };
  }

  /** Makes the kernel look the name up again. */
  forgetName(folder: Inode, name: string): void {
    this.#notifyEntry(folder, name);
  }

  /** Makes the kernel read the content again. */
  forgetPages(inode: Inode): void {
    inode.cached = undefined;
    this.#notifyNode(inode, true);
  }

  /** Makes the kernel request the attributes again. */
  forgetAttributes(inode: Inode): void {
    this.#notifyNode(inode, false);
  }

  /**
   * Records that the kernel has changed the node, which now has `attr`. The kernel's page cache already has the new
   * content.
   */
  changed(inode: Inode, attr: Attr): void {
    inode.told = digest(attr);
    inode.cached = attr.version;
  }

  #apply(change: Change): void {
    if (change.what === 'entry') this.#invalidateEntry(change);
    else this.#invalidateNode(change.node, change.content);
  }

  #invalidateEntry({ folder, name, removed }: EntryChange): void {
    const inode = this.#inodes.find(folder);
    if (inode === undefined) return;
    const key = `${inode.nodeid}/${name}`;
    const changes = this.#names.get(key);
    const node = removed === undefined ? undefined : this.#inodes.find(removed);
    if (changes === undefined && node !== undefined) {
      // Otherwise the kernel would keep reporting the old number of links.
      node.unlinked = true;
      this.#notifier.removed(inode.nodeid, name, node.nodeid);
    }
    if (changes === undefined) this.#notifyEntry(inode, name);
    else this.#names.set(key, changes + 1);
  }

  #notifyEntry(folder: Inode, name: string): void {
    this.#epoch++;
    this.#notifier.entry(folder.nodeid, name, this.expires);
    // The cached listing contains the name even if the kernel has not looked it up.
    this.#notifier.inode(folder.nodeid, true);
  }

  #invalidateNode(node: NodeId, content: boolean): void {
    const inode = this.#inodes.find(node);
    if (inode === undefined || inode.changing > 0) return;
    const attr = this.#now(node);
    if (attr === undefined) return this.#notifyNode(inode, content);
    if (attr.version !== inode.cached) {
      // What the kernel reads after the notification is this content or a later one.
      inode.restless ||= inode.cached !== undefined;
      inode.cached = attr.version;
      return this.#notifyNode(inode, true);
    }
    if (inode.told !== digest(attr)) this.#notifyNode(inode, false);
  }

  #notifyNode(inode: Inode, content: boolean): void {
    this.#epoch++;
    inode.told = 0;
    this.#notifier.inode(inode.nodeid, content);
  }

  /** The attributes, if the port returns them synchronously. */
  #now(node: NodeId): Attr | undefined {
    try {
      const attr = this.#fs.getattr(node, background);
      if (!(attr instanceof Promise)) return attr;
      attr.catch(() => {});
    } catch {
      // The node is gone; the kernel must request its attributes to find that out.
    }
    return undefined;
  }
}
