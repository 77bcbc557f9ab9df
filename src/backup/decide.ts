import type { Mirrored } from './mirrored.ts';
import type { SourceEntry } from './source-entry.ts';

/**
 * What to do about an entry of the source, compared with the node of the mirror at the same place:
 * - `same`: nothing to do
 * - `note`: the cloud has it; only the index must record the entry's new state
 * - `attrs`: times or mode differ, the content does not
 * - `read`: the content may differ, so the file must be read
 * - `create`: the place in the mirror is free
 * - `replace`: a node of another kind, or a link with another target, has the place
 */
export type Decision = 'same' | 'note' | 'attrs' | 'read' | 'create' | 'replace';

type Attrs = Pick<SourceEntry, 'mode' | 'mtime' | 'birthtime'>;

export function decide(entry: SourceEntry, node: Mirrored | undefined): Decision {
  if (!node) return 'create';
  if (node.kind !== entry.kind || node.target !== entry.target) return 'replace';
  if (entry.kind === 'file' && node.source?.signature !== entry.signature) return 'read';
  if (!sameAttrs(entry, node)) return 'attrs';
  return node.source?.inode === entry.inode && node.source.disk === entry.disk ? 'same' : 'note';
}

export function sameAttrs(a: Attrs, b: Attrs): boolean {
  return a.mode === b.mode && a.mtime === b.mtime && a.birthtime === b.birthtime;
}

/** Whether a node whose file has vanished from its place appears to be this entry, which has appeared elsewhere. */
export function looksMoved(entry: SourceEntry, node: Mirrored): boolean {
  if (node.kind !== entry.kind || node.source?.inode !== entry.inode) return false;
  return entry.kind === 'folder' || (entry.kind === 'file' && node.size === entry.size && node.mtime === entry.mtime);
}
