import type { BackupIndex } from './backup-index.ts';
import type { Exclusions } from './exclusions.ts';
import type { Halt } from './halt.ts';
import { isSameFolder, type FolderMark, type ListingPage } from './listing.ts';
import type { Mirrored } from './mirrored.ts';
import type { SourceThread } from './start-source-thread.ts';

export interface RemovalOptions {
  readonly index: BackupIndex;
  readonly scanner: SourceThread;
  readonly exclusions: Exclusions;
  /** Why the source is not what was read any more. */
  readonly check: () => Promise<Halt | undefined>;
  /** By the ids of nodes, the folders in which they were not found. */
  readonly missing: ReadonlyMap<string, FolderMark>;
}

/** Removals between two looks whether the source is still there. */
const BATCH = 500;

/**
 * Removes from the mirror what was not found in the source, as long as that is true: the source folder is still in its place, the
 * folder is the one that was listed, and has nothing of that name. A disk that was away for a moment so removes nothing.
 */
export class Removal {
  readonly #options: RemovalOptions;

  constructor(options: RemovalOptions) {
    this.#options = options;
  }

  /** @returns why it ended early. What was not removed is looked for by the next run. */
  async run(nodes: readonly Mirrored[], remove: (node: Mirrored) => Promise<void>): Promise<Halt | undefined> {
    const { check } = this.#options;
    let unchecked = 0;
    for (const batch of batchesOf(nodes)) {
      if (unchecked + batch.length > BATCH) {
        const halt = await check();
        if (halt !== undefined) return halt;
        unchecked = 0;
      }
      unchecked += batch.length;
      for (const node of await this.#stillMissing(batch)) await remove(node);
    }
    return check();
  }

  /** @param nodes children of one folder */
  async #stillMissing(nodes: readonly Mirrored[]): Promise<readonly Mirrored[]> {
    const { index, scanner, missing } = this.#options;
    const [first] = nodes;
    const folder = first && folderOf(index, first);
    if (folder === undefined) return [];
    const names = nodes.map(({ name }) => name);
    const page = await scanner.request<ListingPage | undefined>({ ask: 'some', folder, names }).catch(unreadable);
    if (page === undefined) return [];
    const found = new Set([...this.#included(folder, page), ...page.problems.map(({ path }) => path)]);
    return nodes.filter(({ id, name }) => {
      const mark = missing.get(id);
      return mark !== undefined && isSameFolder(mark, page.folder) && !found.has(name);
    });
  }

  #included(folder: string, { entries }: ListingPage): string[] {
    const { exclusions } = this.#options;
    const path = (name: string): string => (folder === '' ? name : `${folder}/${name}`);
    const included = entries.filter(({ name, kind }) => !exclusions.excludes(path(name), kind === 'folder'));
    return included.map(({ name }) => name);
  }
}

/** Children of one folder each, in their order. */
function* batchesOf(nodes: readonly Mirrored[]): Generator<readonly Mirrored[]> {
  const byFolder = new Map<string, Mirrored[]>();
  for (const node of nodes) {
    const siblings = byFolder.get(node.parent);
    if (siblings) siblings.push(node);
    else byFolder.set(node.parent, [node]);
  }
  for (const siblings of byFolder.values()) {
    for (let at = 0; at < siblings.length; at += BATCH) yield siblings.slice(at, at + BATCH);
  }
}

/** The path of the folder that a node is in; undefined if that is unknown. */
function folderOf(index: BackupIndex, node: Mirrored): string | undefined {
  const path = index.path(node);
  return path?.slice(0, Math.max(0, path.length - node.name.length - 1));
}

/** What cannot be read is not known to be missing. @throws EINTR */
function unreadable(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'EINTR') throw error;
  return undefined;
}
