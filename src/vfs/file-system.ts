import type { Awaitable, Context } from './context.ts';
import type { Attr, AttrChanges, NewAttr, NodeId, StatFs, Xattrs } from './node.ts';

/**
 * The port that doors use and every layer implements. It is node-based: the kernel's LOOKUP and 9P work this way,
 * handles survive a rename, and renaming a folder of a million files touches one node.
 *
 * All methods throw `FsError` (some synchronously, some by rejecting; `await` treats both alike). Unless a method says
 * otherwise it may be called concurrently with any other, and changes of one name are applied in the order of the
 * calls. A change that has resolved survives a crash of the process; `FileHandle.sync` survives the loss of power.
 *
 * Common codes, not repeated below: `ENOENT` (no such node or name), `ENOTDIR`, `ESTALE` (the id no longer exists),
 * `EINVAL` and `ENAMETOOLONG` (an impossible name), `EROFS`, `EPERM`, `EACCES` (the mount's policy; `reason` names the
 * rule), `EXDEV` (two mounts), `EINTR` (aborted), `ENOSPC` (no space on the cache disk), `EDQUOT`.
 */
export interface FileSystem {
  readonly root: NodeId;

  /** The child with exactly this name, byte for byte. */
  lookup(folder: NodeId, name: string, context: Context): Awaitable<Attr>;

  getattr(node: NodeId, context: Context): Awaitable<Attr>;

  setattr(node: NodeId, changes: AttrChanges, context: Context): Awaitable<Attr>;

  /**
   * Up to `limit` children in the order of their names' UTF-8 bytes, starting after `after`. A page is consistent in
   * itself; names added or removed between pages may or may not be seen, no other name is missed or repeated.
   */
  readdir(folder: NodeId, page: PageRequest, context: Context): Awaitable<Page>;

  readlink(node: NodeId, context: Context): Awaitable<string>;

  xattrs(node: NodeId, context: Context): Awaitable<Xattrs>;

  /** Further details that the host knows about a node, by short names, for display only: not to be stored or copied. */
  facts?(node: NodeId, context: Context): Awaitable<Readonly<Record<string, string>>>;

  /** @throws EEXIST */
  mkdir(folder: NodeId, name: string, attr: NewAttr, context: Context): Awaitable<Attr>;

  /** @throws EEXIST */
  symlink(folder: NodeId, name: string, target: string, context: Context): Awaitable<Attr>;

  /** A new empty file and an open handle on it. @throws EEXIST */
  create(folder: NodeId, name: string, attr: NewAttr, mode: OpenMode, context: Context): Awaitable<FileHandle>;

  /** @throws EISDIR, ELOOP for a symlink */
  open(file: NodeId, mode: OpenMode, context: Context): Awaitable<FileHandle>;

  /**
   * A complete new content for a name, invisible until `commit` and then visible at once: creates the file or becomes
   * its next version. `discard` leaves everything as it was. Refused early where the policy would refuse the commit.
   * @throws EISDIR if the name is a folder
   */
  draft(folder: NodeId, name: string, attr: NewAttr, context: Context): Awaitable<Draft>;

  /** Removes a file or a symlink. Open handles keep working until they are closed. @throws EISDIR */
  unlink(folder: NodeId, name: string, context: Context): Awaitable<void>;

  /** Removes an empty folder. @throws ENOTEMPTY */
  rmdir(folder: NodeId, name: string, context: Context): Awaitable<void>;

  /** Removes a node and everything below it, in one step that can be restored as one. */
  removeTree(folder: NodeId, name: string, context: Context): Awaitable<void>;

  /**
   * POSIX `rename`, atomic. A file replaces a file (whose kept versions stay with the name), a folder an empty folder.
   * `noReplace` throws `EEXIST` instead; `exchange` swaps two nodes.
   */
  rename(from: Place, to: Place, flags: RenameFlags, context: Context): Awaitable<Attr>;

  /**
   * Copies a file with its extended attributes, or a symlink, to a new or existing name, without transferring bytes if
   * the content is already in the cloud. For a folder only the folder itself is copied. Works across mounts.
   * @throws EEXIST unless `replace`; EISDIR if the name is a folder
   */
  copy(node: NodeId, to: Place, options: CopyOptions, context: Context): Awaitable<Attr>;

  /**
   * Marks the node as being worked on although no handle is open, as a WebDAV lock does: while a hold exists, the node
   * is not sealed, uploaded or regarded as finished (except for the idle limit of long writes).
   */
  hold(node: NodeId, context: Context): Awaitable<Hold>;

  /** From memory, never from the network. */
  statfs(node: NodeId, context: Context): Awaitable<StatFs>;

  /** `sync(2)`: resolves when every change that had resolved before the call is on disk. */
  sync?(context: Context): Awaitable<void>;

  /**
   * Calls `listener` for every change, local or remote, after it has become visible. Returns a function that stops it.
   */
  watch(listener: (change: Change) => void): () => void;
}

/** Where a node is, or is to be. */
export interface Place {
  readonly parent: NodeId;
  readonly name: string;
}

export interface PageRequest {
  /** The last name of the previous page; absent for the first page. */
  readonly after?: string;
  /** At least 1. */
  readonly limit: number;
}

export interface Page {
  readonly entries: readonly Attr[];
  /** False when no name follows. */
  readonly more: boolean;
}

export interface OpenMode {
  readonly read: boolean;
  readonly write: boolean;
  /** Truncates the content on open. */
  readonly truncate?: boolean;
  /** Every write appends. */
  readonly append?: boolean;
  /**
   * For one sequential read: the handle, which is read-only, keeps the content and attributes from the moment of
   * opening when the whole content is replaced, locally or remotely. Other handles follow the node.
   */
  readonly snapshot?: boolean;
}

export interface RenameFlags {
  readonly noReplace?: boolean;
  readonly exchange?: boolean;
}

export interface CopyOptions {
  readonly replace: boolean;
  /** Part of the copy of a folder, whose members keep their names. */
  readonly member?: boolean;
  /** The name that the copy is to have, if it is made under another one until it is complete. */
  readonly finalName?: string;
}

/**
 * An open file. It refers to the node, not the path: it survives rename and unlink. Reads and writes of one handle may
 * overlap in time; each is atomic with respect to the others of the same node, and a read sees the writes that began
 * before it.
 */
export interface FileHandle {
  readonly node: NodeId;

  attr(context: Context): Awaitable<Attr>;

  /** Reads into `into` from `position` (bytes); returns the count, which is short only at the end of the file. */
  read(into: Uint8Array, position: number, context: Context): Awaitable<number>;

  /**
   * `lseek(2)` with `SEEK_DATA` or `SEEK_HOLE`: where the next byte of data, or of a hole, is at `position` or behind it; the end of the
   * file counts as a hole. `undefined` (`ENXIO`) at or behind the end, and if no data follows. What is not known to be a hole is data.
   */
  seek?(what: 'data' | 'hole', position: number, context: Context): Awaitable<number | undefined>;

  /** Writes all of `data` at `position` (ignored with `append`). The buffer may be reused once this has resolved. */
  write(data: Uint8Array, position: number, context: Context): Awaitable<void>;

  truncate(size: number, context: Context): Awaitable<void>;

  /** `fsync`: content and journal are on disk when this resolves. */
  sync(context: Context): Awaitable<void>;

  /** Releases the content for upload if this was the last writer. Idempotent. */
  close(): Awaitable<void>;

  /**
   * A program waits for its close(2), `close` follows later: hosts that guarantee something by then have this method.
   */
  flush?(context: Context): Awaitable<void>;

  /**
   * Returns a local file with all of the content that a kernel may read directly, and write if the handle may, until
   * the handle is closed. `attr` sees what it writes. While the file is in use the node's content is changed in place
   * where possible; where not, as when the whole content is replaced, the kernel keeps the old file, and other handles
   * get a file with another `key`. `undefined` if there is no such file now; hosts that never have one do not have this
   * method.
   */
  backing?(context: Context): Awaitable<Backing | undefined>;
}

/** See `FileHandle.backing`. */
export interface Backing {
  /** An open descriptor of a regular file. It is owned by the host and stays open until the handle is closed. */
  readonly fd: number;
  /** Equal for the same file. */
  readonly key: string;
}

/** See `FileSystem.draft`. Not concurrent: one call at a time. */
export interface Draft {
  /** Bytes written so far. */
  readonly size: number;

  /** Appends. */
  append(data: Uint8Array, context: Context): Awaitable<void>;

  /**
   * Makes this the content of the file. With `expected`, only if the name still has that version (`null`: still does
   * not exist). Ends the draft, whatever the outcome.
   * @throws ESTALE if `expected` does not match
   */
  commit(options: CommitOptions, context: Context): Awaitable<Attr>;

  /** Idempotent; harmless after `commit`. */
  discard(): Awaitable<void>;
}

export interface CommitOptions {
  readonly expected?: string | null;
}

export interface Hold {
  /** Idempotent. */
  release(): void;
}

/** A change of a name or a node. */
export type Change =
  /** The name was added, removed, or now refers to another node. `removed` had it and no longer exists. */
  | { readonly what: 'entry'; readonly folder: NodeId; readonly name: string; readonly removed?: NodeId }
  /** The node's attributes changed; with `content` its bytes, too. */
  | { readonly what: 'node'; readonly node: NodeId; readonly content: boolean };
