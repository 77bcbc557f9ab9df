/** The nouns of the tree. */

/** Stable through rename and restart; opaque to doors. At most 255 bytes, without `/`. */
export type NodeId = string;

export type Kind = 'file' | 'folder' | 'symlink';

/** Milliseconds since 1970-01-01 UTC; the fraction carries finer time (a double resolves about 0.25 µs today). */
export type Time = number;

/** The last time that ECMAScript can represent as a date, in the year 275,760; the first is as far before 1970. */
export const LAST_TIME: Time = 8.64e15;

/**
 * Extended attributes by name. Values are arbitrary bytes as base64. They belong to the node: they follow rename and
 * copy and are synced. WebDAV keeps dead properties here.
 */
export type Xattrs = Readonly<Record<string, string>>;

/** The result of `stat`. A value object: a later change creates a new one. */
export interface Attr {
  readonly id: NodeId;
  /** The parent's id; the root is its own parent. */
  readonly parent: NodeId;
  /** The last path segment; '' for the root. */
  readonly name: string;
  readonly kind: Kind;
  /** Bytes of content: of a file; of a symlink's target in UTF-8; 0 for a folder. */
  readonly size: number;
  /** Permission bits, 0o7777. */
  readonly mode: number;
  readonly mtime: Time;
  /** Last change of content or metadata. */
  readonly ctime: Time;
  readonly birthtime: Time;
  /**
   * Identity of the content: equal exactly while the bytes are equal for this node, different after any change of them
   * (even before the change has reached the cloud). Safe to use in an ETag. For a folder it identifies the folder only.
   */
  readonly version: string;
  /** Bytes that the content takes where it is stored, if that is known and less than `size` because of holes. */
  readonly allocated?: number;
}

/** Changes that `setattr` makes, all or none; absent properties are not changed. */
export interface AttrChanges {
  readonly mode?: number;
  readonly mtime?: Time;
  readonly birthtime?: Time;
  /** Truncates or extends a file (with zeros). */
  readonly size?: number;
  /** Extended attributes to set (bytes in base64) or to remove (`null`). */
  readonly xattrs?: Readonly<Record<string, string | null>>;
}

/** Initial metadata of a new node or draft; absent properties default to the current time and the usual mode. */
export interface NewAttr {
  readonly mode?: number;
  readonly mtime?: Time;
  readonly birthtime?: Time;
  readonly xattrs?: Xattrs;
}

/** Bytes. `total` is the quota, `used` what counts against it, `available` what a program may still write. */
export interface StatFs {
  readonly total: number;
  readonly used: number;
  readonly available: number;
  readonly files: number;
}
