import type { ChangedNames } from '../watch/quiet-paths.ts';
import type { BackupIndex } from './backup-index.ts';
import type { EntryPlace } from './changes.ts';
import type { Mirrored } from './mirrored.ts';
import { isLinked } from './posix-text.ts';
import type { SourceEntry } from './source-entry.ts';

/** Most names of one file that are looked for; a run of everything finds the others. */
const MOST = 1000;

/**
 * The names of files with several names (hard links) of which one has changed, in a run of some names: the system notifies only of
 * the name that a program has used, but content and attributes are those of all.
 */
export class OtherNames {
  readonly #index: BackupIndex;
  readonly #inodes = new Set<string>();
  /** Places that were looked at: parent and name. */
  readonly #seen = new Set<string>();

  constructor(index: BackupIndex) {
    this.#index = index;
  }

  /** @param node what the index has at the place */
  saw({ parent, name }: Pick<EntryPlace, 'parent' | 'name'>, entry: SourceEntry, node: Mirrored | undefined): void {
    this.#seen.add(`${parent}/${name}`);
    if (entry.signature === node?.source?.signature) return;
    if (entry.kind === 'file' && isLinked(entry.posix)) this.#inodes.add(entry.inode);
    if (node) this.missed(node);
  }

  /** The file is not at the node's place any more, or it is another one. */
  missed({ parent, name, source, posix }: Mirrored): void {
    this.#seen.add(`${parent}/${name}`);
    if (source && posix !== undefined && isLinked(posix)) this.#inodes.add(source.inode);
  }

  /** Those that were not looked at. */
  async left(): Promise<ChangedNames> {
    const scope = new Map<string, Set<string>>();
    for (const inode of this.#inodes) {
      for await (const node of this.#index.withInode(inode, MOST)) {
        const path = this.#seen.has(`${node.parent}/${node.name}`) ? undefined : this.#index.path(node);
        if (path === undefined) continue;
        const folder = path.slice(0, Math.max(0, path.length - node.name.length - 1));
        scope.set(folder, (scope.get(folder) ?? new Set()).add(node.name));
      }
    }
    return scope;
  }
}
