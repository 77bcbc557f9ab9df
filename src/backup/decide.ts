import type { Mirrored } from './mirrored.ts';
import type { XattrRecord } from '../cloud/records.ts';
import { posixRecord } from './posix-text.ts';
import { XATTRS_UNREAD, type SourceAttributes, type SourceEntry, type SourceMark } from './source-entry.ts';

/**
 * What to do about an entry of the source, compared with the node of the mirror at the same place:
 * - `same`: nothing to do
 * - `note`: the cloud has it; only the index must record the entry's new state
 * - `attrs`: attributes differ or are unknown, the content does not
 * - `read`: the content may differ, so the file must be read
 * - `create`: the place in the mirror is free
 * - `replace`: a node of another kind, or a link with another target, has the place
 */
export type Decision = 'same' | 'note' | 'attrs' | 'read' | 'create' | 'replace';

export function decide(entry: SourceEntry, node: Mirrored | undefined): Decision {
  if (!node) return 'create';
  if (node.kind !== entry.kind || node.target !== entry.target) return 'replace';
  const isUntouched = node.source?.signature === entry.signature;
  if (entry.kind === 'file' && !isUntouched) return 'read';
  const known = isUntouched && node.source?.fault !== XATTRS_UNREAD;
  if (entry.kind === 'file' && !known) return 'attrs';
  // What the cloud has may be the work of others: it is put right when the source changes.
  const isSame = node.posix !== undefined && (known || sameAttrs(entry, node));
  if (!isSame) return 'attrs';
  return known && node.source && isSamePlace(entry, node.source) ? 'same' : 'note';
}

function isSamePlace(entry: SourceMark, { inode, disk, mounted }: SourceMark): boolean {
  return inode === entry.inode && disk === entry.disk && mounted === entry.mounted;
}

/** Whether the node in the mirror has the attributes of the source, as far as those are known. */
export function sameAttrs(
  attrs: SourceAttributes,
  node: Pick<Mirrored, 'mode' | 'mtime' | 'birthtime' | 'posix' | 'xattrs'>,
): boolean {
  const { mode, mtime, birthtime, posix, xattrs } = attrs;
  const same = mode === node.mode && mtime === node.mtime && birthtime === node.birthtime && posix === node.posix;
  return same && (xattrs === undefined || sameXattrs(xattrs, node.xattrs ?? {}));
}

/** What of the attributes is different, in words. The names of user and group do not count where their numbers are the same. */
export function differingAttributes(
  attrs: SourceAttributes,
  node: Pick<Mirrored, 'mode' | 'mtime' | 'birthtime' | 'posix' | 'xattrs'>,
): string[] {
  const [here, there] = [posixRecord(attrs.posix), posixRecord(node.posix ?? '')];
  const differing = {
    mode: attrs.mode !== node.mode,
    times: attrs.mtime !== node.mtime || attrs.birthtime !== node.birthtime || here.mtimeNs !== there.mtimeNs,
    'owner or group': here.uid !== there.uid || here.gid !== there.gid,
    'hard links': here.link !== there.link,
    'extended attributes': attrs.xattrs !== undefined && !sameXattrs(attrs.xattrs, node.xattrs ?? {}),
  };
  return Object.entries(differing).flatMap(([what, differs]) => (differs ? what : []));
}

function sameXattrs(a: XattrRecord, b: XattrRecord): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** Whether a node whose file has vanished from its place appears to be this entry, which has appeared elsewhere. */
export function looksMoved(entry: SourceEntry, node: Mirrored): boolean {
  if (node.kind !== entry.kind || node.source?.inode !== entry.inode) return false;
  return entry.kind === 'folder' || (entry.kind === 'file' && node.size === entry.size && node.mtime === entry.mtime);
}
