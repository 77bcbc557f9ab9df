import ignore from 'ignore';
import { isSafeName } from './open-folder.ts';
import type { TreeEntry } from './tree-entry.ts';

/** Those of the entries that match a pattern of `.gitignore`, with all below them and the folders above them. */
export function* matching(entries: Iterable<TreeEntry>, patterns: readonly string[]): Generator<TreeEntry> {
  const chosen = ignore({ allowRelativePaths: true }).add([...patterns]);
  let above: TreeEntry[] = [];
  for (const entry of entries) {
    above = above.filter(({ depth }) => depth < entry.depth);
    // What has no possible name is named as such.
    const isChosen = !isSafeName(entry.name) || chosen.ignores(entry.kind === 'folder' ? `${entry.path}/` : entry.path);
    if (isChosen) {
      yield* above;
      above = [];
      yield entry;
    } else if (entry.kind === 'folder') above.push(entry);
  }
}
