import type { Entry } from '../../cache/tree/entry.ts';
import type { Context } from '../../vfs/context.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Kind, NewAttr, Time, Xattrs } from '../../vfs/node.ts';

/** The range that ext4 can store, ms: from 1901 to 2446. Like the kernel, the drive clamps times to it. */
const EARLIEST = -(2 ** 31) * 1000;
const LATEST = (2 ** 34 - 2 ** 31 - 1) * 1000;

/** XATTR_LIST_MAX of Linux, and the cloud's limit for a node: bytes of all names and values. */
const XATTRS_MAX = 64 * 1024;

const USUAL_MODE: Readonly<Record<Kind, number>> = { file: 0o644, folder: 0o755, symlink: 0o777 };

/** A time that a program sets, also before 1970 or in the future: it means it. @throws EINVAL if it is no number */
export function timeOf(time: Time, op: string): Time {
  if (Number.isNaN(time)) throw new FsError('EINVAL', op, { reason: 'this is not a valid time' });
  return Math.min(Math.max(time, EARLIEST), LATEST);
}

export function modeOf(mode: number | undefined, kind: Kind): number {
  return kind === 'symlink' ? USUAL_MODE.symlink : (mode ?? USUAL_MODE[kind]) & 0o7777;
}

/** Mode, times and extended attributes of a new node. @throws EINVAL, ENOSPC */
export function createdWith(
  { mode, mtime, birthtime, xattrs }: NewAttr,
  kind: Kind,
  now: Time,
  op: string,
): Pick<Entry, 'mode' | 'mtime' | 'ctime' | 'birthtime' | 'xattrs'> {
  const times = { mtime: timeOf(mtime ?? now, op), ctime: now, birthtime: timeOf(birthtime ?? now, op) };
  const kept = xattrs === undefined ? {} : withXattrs({}, xattrs, op);
  return { mode: modeOf(mode, kind), ...times, ...kept };
}

/** Extended attributes with some set and some (`null`) removed; `undefined` if none are left. @throws EINVAL, ENOSPC */
export function withXattrs(
  before: Xattrs,
  changes: Readonly<Record<string, string | null>>,
  op: string,
): { xattrs?: Xattrs } {
  const kept = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(changes)) {
    if (name === '' || name.includes('\0') || Buffer.byteLength(name) > 255) {
      throw new FsError('EINVAL', op, { subject: name, reason: 'this is not a valid name of an extended attribute' });
    }
    if (value === null) kept.delete(name);
    else kept.set(name, value);
  }
  let bytes = 0;
  for (const [name, value] of kept) bytes += Buffer.byteLength(name) + Buffer.byteLength(value, 'base64');
  if (bytes > XATTRS_MAX) {
    throw new FsError('ENOSPC', op, { reason: 'the extended attributes of a file can take at most 64 KiB' });
  }
  return kept.size === 0 ? {} : { xattrs: Object.fromEntries(kept) };
}

/** `end` is an offset in a file, the last one that is touched; `start` the first. @throws EINVAL, EFBIG */
export function checkSize(end: number, op: string, start = end): void {
  if (!(start >= 0) || (start <= Number.MAX_SAFE_INTEGER && !Number.isInteger(start))) throw new FsError('EINVAL', op);
  if (end > Number.MAX_SAFE_INTEGER) throw new FsError('EFBIG', op);
}

/** @throws EINTR */
export function checkAborted(context: Context, op: string): void {
  if (context.aborted ?? context.signal.aborted) throw new FsError('EINTR', op, { cause: context.signal.reason });
}
