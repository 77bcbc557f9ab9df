import type { BigIntStats } from 'node:fs';
import { LAST_TIME, type Kind } from '../vfs/node.ts';

/** What the scan found under a name of the source folder. */
export interface SourceEntry {
  readonly name: string;
  readonly kind: Kind;
  readonly mode: number;
  /** Bytes of a file; 0 for the others. */
  readonly size: number;
  /** ms */
  readonly mtime: number;
  readonly birthtime: number;
  /** Changes whenever the content or the metadata of a file may have changed: size, mtime, ctime, inode. */
  readonly signature: string;
  /** Names the file or folder on its disk, wherever it is moved: inode and time of birth. */
  readonly inode: string;
  /** The disk it is on. */
  readonly disk: string;
  /** Of a symlink. */
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
    // Some file systems do not keep it.
    birthtime: timeOf(stats.birthtimeNs > 0n ? stats.birthtimeNs : stats.mtimeNs),
    signature: signatureOf(stats),
    inode: `${stats.ino}.${stats.birthtimeNs}`,
    disk: String(stats.dev),
  };
}

/** Some file systems have times that are no dates any more, which the cloud refuses. */
function timeOf(ns: bigint): number {
  return Math.min(Math.max(Number(ns) / 1e6, -LAST_TIME), LAST_TIME);
}
