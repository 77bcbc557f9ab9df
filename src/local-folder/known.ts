import type { Kind, NodeId } from '../vfs/node.ts';

/** How something looks on the local disk. */
export interface LocalMark {
  /** Built from size, mtime, ctime and inode: it changes whenever content or metadata may have changed. */
  readonly signature: string;
  /** Identifies the file or folder wherever it is moved on its disk. */
  readonly inode: string;
  readonly mode: number;
  /** ms since 1970 */
  readonly mtime: number;
}

/** A node that both sides have, and how each of them looked when they last agreed. */
export interface Known {
  /** The drive's. */
  readonly id: NodeId;
  /** Its place in the local folder: the id of the folder above, and its name. */
  readonly parent: NodeId;
  readonly name: string;
  readonly kind: Kind;
  readonly local: LocalMark;
  /** The drive's `Attr.version`. */
  readonly version: string;
  /** The drive's. */
  readonly mode: number;
  readonly mtime: number;
  readonly size: number;
  /** The identity of a file's content, see `contentHash`. */
  readonly hash?: string | undefined;
  /** Of a symlink. */
  readonly target?: string | undefined;
}
