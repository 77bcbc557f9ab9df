import type { PosixRecord } from '../cloud/records.ts';

/** The version of `PosixRecord` that this program writes. */
const VERSION = 1;

/**
 * A `PosixRecord` as one short text, in which two are compared and an index keeps them: its fields in a fixed order, with a colon
 * between them, which none of them can have.
 */
export type PosixText = string;

export function posixText(record: PosixRecord): PosixText {
  const { v, uid = '', gid = '', user = '', group = '', mtimeNs = '', name = '', target = '', link = '' } = record;
  return `${v}:${uid}:${gid}:${user}:${group}:${mtimeNs}:${link}:${name}:${target}`;
}

/** Whether the file has, or had, other names. */
export function isLinked(text: PosixText): boolean {
  return (text.split(':', 7)[6] ?? '') !== '';
}

/** What was made of a record, or of the fields of one of this version. */
export function posixRecord(text: PosixText): PosixRecord {
  const [v = '', uid = '', gid = '', user = '', group = '', mtimeNs = '', link = '', name = '', target = ''] =
    text.split(':');
  const record: { -readonly [Field in keyof PosixRecord]: PosixRecord[Field] } = { v: v === '' ? VERSION : Number(v) };
  if (uid !== '') record.uid = Number(uid);
  if (gid !== '') record.gid = Number(gid);
  if (user !== '') record.user = user;
  if (group !== '') record.group = group;
  if (mtimeNs !== '') record.mtimeNs = mtimeNs;
  if (name !== '') record.name = name;
  if (target !== '') record.target = target;
  if (link !== '') record.link = link;
  return record;
}
