import type { XattrRecord } from '../cloud/records.ts';
import type { Kind } from '../vfs/node.ts';
import type { PosixText } from './posix-text.ts';

/** A fault that may go: the attributes are looked at again in each run. */
export const XATTRS_UNREAD = 'its extended attributes cannot be read; those from before are kept';

/** An entry that the scan has found in the source folder. */
export interface SourceEntry extends SourceAttributes {
  /** In its readable form (`vfs/raw-name.ts`). */
  readonly name: string;
  readonly kind: Kind;
  /** Bytes of a file; 0 for the others. */
  readonly size: number;
  /** Of a symlink, in its readable form. */
  readonly target?: string;
}

/** What the source has besides names and content. */
export interface SourceAttributes extends SourceMark {
  readonly mode: number;
  /** ms since 1970 */
  readonly mtime: number;
  readonly birthtime: number;
  readonly posix: PosixText;
  /** Undefined where they were not read: of files they are read together with the content. */
  readonly xattrs?: XattrRecord | undefined;
}

/** By what an entry of the source is known again. */
export interface SourceMark {
  /**
   * Built from size, mtime, ctime and inode, so it changes whenever the content or metadata of a file may have changed.
   */
  readonly signature: string;
  /** Identifies the file or folder on its disk wherever it is moved: inode and birth time. */
  readonly inode: string;
  /** Id of its disk. */
  readonly disk: string;
  /** Of a mount point, which is on another disk than the folder that it is in: what names its volume, '' where nothing does. */
  readonly mounted?: string | undefined;
  /** What of its attributes cannot be kept, and why. */
  readonly fault?: string | undefined;
}

/** Something that is not mirrored, and why. */
export interface SourceProblem {
  /** Relative to the source folder, with '/'; '' is the folder itself. */
  readonly path: string;
  readonly reason: string;
  /** It has no content to keep: a socket, a pipe or a device. */
  readonly skipped?: boolean;
}

/** Whether an error says that what was there a moment ago is not there any more, or something else is. */
export function hasVanished({ code }: { readonly code?: string | undefined }): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
}
