import { constants } from 'node:os';
import type { Stat, Statfs } from 'fuse-native';
import { asFsError } from '../../vfs/fs-error.ts';
import { failureOf, type OperationName } from '../failures.ts';
import type { Attr, Kind, StatFs } from '../../vfs/node.ts';

const TYPE: Record<Kind, number> = { file: 0o100_000, folder: 0o040_000, symlink: 0o120_000 };
const BLOCK = 4096;
const SMALLEST_SECTOR = 512;

/**
 * The negated errno on this system for anything that an operation has thrown. libfuse does not report signals, so
 * nothing is interrupted.
 */
export function errnoOf(error: unknown, op: OperationName): number {
  return -constants.errno[failureOf(op, asFsError(error, op).code, false)];
}

export function statOf({ kind, mode, size, mtime, ctime }: Attr, owner: { uid: number; gid: number }): Stat {
  const times = { atime: mtime, mtime, ctime };
  const room = { size, blocks: Math.ceil(size / SMALLEST_SECTOR), blksize: BLOCK };
  return { mode: TYPE[kind] | mode, nlink: kind === 'folder' ? 2 : 1, ...owner, ...room, ...times };
}

/** Uses blocks large enough for their numbers to fit into 32 bits. */
export function statfsOf({ total, used, available, files }: StatFs): Statfs {
  let bsize = BLOCK;
  while (total / bsize >= 2 ** 32) bsize *= 2;
  const blocks = Math.floor(total / bsize);
  const bavail = Math.floor(available / bsize);
  const bfree = Math.max(bavail, Math.floor((total - used) / bsize));
  const all = Math.min(files + bavail, 2 ** 32 - 1);
  return { bsize, frsize: bsize, blocks, bfree, bavail, files: all, ffree: bavail, favail: bavail, namemax: 255 };
}
