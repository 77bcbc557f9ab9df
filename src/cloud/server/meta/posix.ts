import type { PosixRecord } from '../../records.ts';

/** The column's value for a record: what is known of it, and nothing else that came along. */
export function packPosix(record: PosixRecord | undefined): string | null {
  if (record === undefined) return null;
  const { v, uid, gid, user, group, mtimeNs, name, target, link } = record;
  return JSON.stringify({ v, uid, gid, user, group, mtimeNs, name, target, link });
}
