import type { PosixRecord } from '../../records.ts';

const FIELDS: ReadonlySet<string> = new Set<keyof PosixRecord>([
  'v',
  'uid',
  'gid',
  'user',
  'group',
  'mtimeNs',
  'name',
  'target',
  'link',
]);

/** Whether all of a record is kept: a later version may have sent fields that this one does not know. */
export function isKnown(record: PosixRecord): boolean {
  return Object.keys(record).every((field) => FIELDS.has(field));
}

/** The column's value for a record: what is known of it, and nothing else that came along. */
export function packPosix(record: PosixRecord | undefined): string | null {
  if (record === undefined) return null;
  const { v, uid, gid, user, group, mtimeNs, name, target, link } = record;
  return JSON.stringify({ v, uid, gid, user, group, mtimeNs, name, target, link });
}
