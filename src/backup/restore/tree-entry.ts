import type { Kind } from '../../vfs/node.ts';

/** Something to write below a folder of this computer. */
export interface TreeEntry {
  /** Folders between the top and this entry: 0 for what is in the top itself. */
  readonly depth: number;
  /** Relative to the top, for messages. */
  readonly path: string;
  /** Bytes if it is not UTF-8. Not checked yet: it may come from the network. */
  readonly name: string | Buffer;
  readonly kind: Kind;
  /** Bytes of a file; 0 of the others. */
  readonly size: number;
  /** Names the content of a file where it comes from. */
  readonly version: string;
  /** Of the content, see `contentHash`; undefined if it is not known. */
  readonly hash: string | undefined;
  /** Of a symlink. */
  readonly target?: string | Buffer | undefined;
  /** Undefined: as the system makes them. */
  readonly attributes: EntryAttributes | undefined;
  /** Files with equal values are one file with several names. */
  readonly link?: string | undefined;
}

export interface EntryAttributes {
  /** Permission bits, 0o7777. */
  readonly mode: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  readonly owner?: EntryOwner | undefined;
  /** By name; base64. */
  readonly xattrs?: Readonly<Record<string, string>> | undefined;
}

/** Numbers, and the names that they had on the computer of the source. */
export interface EntryOwner {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
}

/** The time of a node in nanoseconds, from milliseconds with a fraction that counts to the microsecond. */
export function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n;
}
