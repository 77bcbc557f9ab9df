import { XATTRS_MAX } from '../../limits.ts';
import { Refusal } from '../refusal.ts';

/** The column's value for a map of name → base64. @throws too_large */
export function packXattrs(xattrs: Readonly<Record<string, string>> | undefined): string | null {
  if (xattrs === undefined) return null;
  let total = 0;
  for (const [name, value] of Object.entries(xattrs)) {
    total += Buffer.byteLength(name) + Buffer.byteLength(value, 'base64');
  }
  if (total > XATTRS_MAX) throw new Refusal('too_large', 'the extended attributes of a file can take at most 64 KiB');
  return total === 0 ? null : JSON.stringify(xattrs);
}

/** The column's value after changes; `null` removes a name. @throws too_large */
export function changeXattrs(packed: string | null, changes: Readonly<Record<string, string | null>>): string | null {
  const merged = new Map(Object.entries(packed === null ? {} : (JSON.parse(packed) as Record<string, string>)));
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) merged.delete(name);
    else merged.set(name, value);
  }
  return packXattrs(Object.fromEntries(merged));
}
