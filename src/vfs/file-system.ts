import type { Awaitable, Context } from './context.ts';
import type { Attr, AttrChanges, NewAttr, NodeId, StatFs, Xattrs } from './node.ts';

/**
 * The port that doors stand on and that every layer implements. It is node-based: the kernel's LOOKUP and 9P work this
 * way, handles survive a rename, and renaming a folder of a million files touches one node.
 *
 * All methods throw `FsError` (some throw it at once, some reject; `await` sees both alike). Unless a method says
 * otherwise it may be called concurrently with any other, and changes of one name are applied in the order of the calls.
 * A change that has been answered survives the death of the process; `FileHandle.sync` survives the loss of power.
 *
 * Common codes, not repeated below: `ENOENT` (no such node or name), `ENOTDIR`, `ESTALE` (the id is no longer known),
 * `EINVAL` and `ENAMETOOLONG` (a name that cannot be), `EROFS`, `EPERM`, `EACCES` (the mount's policy; `reason` says
 * which rule), `EXDEV` (two mounts), `EINTR` (aborted), `ENOSPC` (no room on the cache disk), `EDQUOT`.
 */
export interface FileSystem {
  readonly root: NodeId;

  /** The child with exactly this name, byte for byte. */
  lookup(folder: NodeId, name: string, context: Context): Awaitable<Attr>;

  getattr(node: NodeId, context: Context): Awaitable<Attr>;

  setattr(node: NodeId, changes: AttrChanges, context: Context): Awaitable<Attr>;

  /**
   * Up to `limit` children in the order of their names' UTF-8 bytes, starting behind `after`. A page is consistent
   * in itself; names added or removed between pages may or may not be seen, no other name is missed or repeated.
   */
  readdir(folder: NodeId, page: PageRequest, context: Context): Awaitable<Page>;

  readlink(node: NodeId, context: Context): Awaitable<string>;

  xattrs(node: NodeId, context: Context): Awaitable<Xattrs>;

  /** What the host knows of a node besides, by short names, for people who ask: nothing to be stored or copied. */
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
   * The whole new content of a name, invisible until `commit` and then visible at once: creates the file or becomes
   * its next version. `discard` leaves everything as it was. Refused early where the policy would refuse the commit.
   * @throws EISDIR if the name is a folder
   */
  draft(folder: NodeId, name: string, attr: NewAttr, context: Context): Awaitable<Draft>;

  /** Removes a file or a symlink. Open handles keep working until they are closed. @throws EISDIR */
  unlink(folder: NodeId, name: string, context: Context): Awaitable<void>;

  /** Removes an empty folder. @throws ENOTEMPTY */
  rmdir(folder: NodeId, name: string, context: Context): Awaitable<void>;

  /** Removes a node and all below it, in one step that can be restored as one. */
  removeTree(folder: NodeId, name: string, context: Context): Awaitable<void>;

  /**
   * POSIX `rename`, atomic. A file replaces a file (whose kept versions go on with the name), a folder an empty folder.
   * `noReplace` throws `EEXIST` instead; `exchange` swaps two nodes.
   */
  rename(from: Place, to: Place, flags: RenameFlags, context: Context): Awaitable<Attr>;

  /**
   * Copies a file with its extended attributes, or a symlink, to a new or existing name without moving bytes where the
   * content is already in the cloud. Of a folder only the folder itself is copied. Works across mounts.
   * @throws EEXIST unless `replace`; EISDIR if the name is a folder
   */
  copy(node: NodeId, to: Place, options: CopyOptions, context: Context): Awaitable<Attr>;

  /**
   * Says that somebody still works on the node although no handle is open, as a WebDAV lock does: nothing is sealed,
   * uploaded or judged as finished while a hold is on it (but for the idle limit of long writes).
   */
  hold(node: NodeId, context: Context): Awaitable<Hold>;

  /** From memory, never from the network. */
  statfs(node: NodeId, context: Context): Awaitable<StatFs>;

  /** `sync(2)`: all that was answered before is on disk when this is answered. */
  sync?(context: Context): Awaitable<void>;

  /** Calls `listener` for every change, from here or elsewhere, after it is visible. Returns the way to stop. */
  watch(listener: (change: Change) => void): () => void;
}

export interface Place {
  readonly folder: NodeId;
  readonly name: string;
}

export interface PageRequest {
  /** The last name of the page before; absent for the first page. */
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
  /** The content becomes empty with the open. */
  readonly truncate?: boolean;
  /** Every write goes to the end. */
  readonly append?: boolean;
  /**
   * For one reading from end to end: the handle, which cannot write, goes on with the content and the attributes of the
   * moment it was opened when the whole content is replaced, from here or elsewhere. Other handles follow the node.
   */
  readonly snapshot?: boolean;
}

export interface RenameFlags {
  readonly noReplace?: boolean;
  readonly exchange?: boolean;
}

export interface CopyOptions {
  readonly replace: boolean;
}

/**
 * An open file. It names the node and not the path: it survives rename and unlink. Reads and writes of one handle may
 * overlap in time; each is atomic against the others of the same node, and a read sees the writes that began before it.
 */
export interface FileHandle {
  readonly node: NodeId;

  attr(context: Context): Awaitable<Attr>;

  /** Fills `into` from `position` (bytes); answers the count, less than asked only at the end of the file. */
  read(into: Uint8Array, position: number, context: Context): Awaitable<number>;

  /** Writes all of `data` at `position` (ignored with `append`). The buffer is free again when answered. */
  write(data: Uint8Array, position: number, context: Context): Awaitable<void>;

  truncate(size: number, context: Context): Awaitable<void>;

  /** `fsync`: content and promise are on disk when answered. */
  sync(context: Context): Awaitable<void>;

  /** Gives the content on to the cloud if this was the last writer. Idempotent. */
  close(): Awaitable<void>;

  /** A program waits for its close(2), `close` follows later: hosts that promise something by then have this method. */
  flush?(context: Context): Awaitable<void>;

  /**
   * Lends the file of this computer that holds all of the content, for a kernel that reads it, and writes it if the
   * handle may, by itself until the handle is closed. `attr` sees what it writes. While a file is lent the node's content
   * is changed in that file where it can be; where not, as when the whole content is replaced, the borrower goes on with
   * what it has, and other handles are lent a file with another `key`. Nothing where there is no such file now; hosts
   * that have none have no such method.
   */
  backing?(context: Context): Awaitable<Backing | undefined>;
}

/** See `FileHandle.backing`. */
export interface Backing {
  /** An open descriptor of a regular file. It stays the lender's, and open until the handle is closed. */
  readonly fd: number;
  /** Equal for the same file. */
  readonly key: string;
}

/** See `FileSystem.draft`. Single-owner: one call at a time. */
export interface Draft {
  /** Bytes written so far. */
  readonly size: number;

  /** Appends. */
  append(data: Uint8Array, context: Context): Awaitable<void>;

  /**
   * Makes the content the file's. With `expected`, only if the name still has that version (`null`: still does not
   * exist). Ends the draft, whatever the outcome.
   * @throws ESTALE if `expected` does not hold
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

/** A name or a node that is not what it was. */
export type Change =
  /** The name was added, removed, or now names another node. `removed` had it and is nowhere any more. */
  | { readonly what: 'entry'; readonly folder: NodeId; readonly name: string; readonly removed?: NodeId }
  /** The node's attributes changed; with `content` its bytes, too. */
  | { readonly what: 'node'; readonly node: NodeId; readonly content: boolean };
