import type { Mirrored } from './mirrored.ts';
import type { SourceEntry } from './source-entry.ts';

/**
 * What an entry of the source means for the node of the mirror that has its place:
 * - `same`: nothing to do
 * - `note`: the cloud has it; only the index learns how it looks now
 * - `attrs`: times or mode differ, the content does not
 * - `read`: the content may differ
 * - `create`: the place is free
 * - `replace`: something of another kind, or another link, has the place
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

/** Whether a file that has vanished from its place is, by the look of it, the one that has appeared elsewhere. */
export function looksMoved(entry: SourceEntry, node: Mirrored): boolean {
  if (node.kind !== entry.kind || node.source?.inode !== entry.inode) return false;
  return entry.kind === 'folder' || (entry.kind === 'file' && node.size === entry.size && node.mtime === entry.mtime);
}
