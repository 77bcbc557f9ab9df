import type { BigIntStats } from 'node:fs';
import { LAST_TIME, type Kind } from '../vfs/node.ts';

/** An entry that the scan has found in the source folder. */
export interface SourceEntry {
  readonly name: string;
  readonly kind: Kind;
  readonly mode: number;
  /** Bytes of a file; 0 for the others. */
  readonly size: number;
  /** ms since 1970 */
  readonly mtime: number;
  readonly birthtime: number;
  /**
   * Built from size, mtime, ctime and inode, so it changes whenever the content or metadata of a file may have changed.
   */
  readonly signature: string;
  /** Identifies the file or folder on its disk wherever it is moved: inode and birth time. */
  readonly inode: string;
  /** Id of its disk. */
  readonly disk: string;
  /** The target of a symlink. */
  readonly target?: string;
}

/** Something that is not mirrored, and why. */
export interface SourceProblem {
  /** Relative to the source folder, with '/'; '' is the folder itself. */
  readonly path: string;
  readonly reason: string;
  /** It has no content to keep: a socket, a pipe or a device. */
  readonly skipped?: boolean;
}

export function signatureOf(stats: BigIntStats): string {
  return `${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}:${stats.ino}`;
}

export function attrsOf(stats: BigIntStats) {
  return {
    mode: Number(stats.mode) & 0o7777,
    mtime: timeOf(stats.mtimeNs),
    // Some file systems do not store the birth time.
    birthtime: timeOf(stats.birthtimeNs > 0n ? stats.birthtimeNs : stats.mtimeNs),
    signature: signatureOf(stats),
    inode: `${stats.ino}.${stats.birthtimeNs}`,
    disk: String(stats.dev),
  };
}

/** The time in ms, limited to the range of dates, as the cloud refuses other times, which some file systems have. */
function timeOf(ns: bigint): number {
  return Math.min(Math.max(Number(ns) / 1e6, -LAST_TIME), LAST_TIME);
}
