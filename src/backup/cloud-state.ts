import type { BackupIndex } from './backup-index.ts';
import type { Mirrored } from './mirrored.ts';

/** A place in the mirror. Its folder is named by the id that the index has of it. */
export interface Place {
  readonly parent: string;
  readonly name: string;
}

/** What the cloud had at the start of a run, where that is not what the index says, and the folders that the run has recreated. */
export class CloudState {
  readonly #index: BackupIndex;
  /** By the ids of folders that were removed in the cloud: those that have taken their places. */
  readonly #successors = new Map<string, string>();

  constructor(index: BackupIndex) {
    this.#index = index;
  }

  /** Whether the cloud has all that the index says, and nothing else. */
  get isAsKnown(): boolean {
    return this.#index.drift.isEmpty;
  }

  /** What the cloud has of a node; undefined if it, or a folder above it, was removed. */
  now(node: Mirrored): Mirrored | undefined {
    if (this.isAsKnown) return node;
    const now = this.#index.drift.get(node.id);
    if (now === null) return undefined;
    const there = now ?? node;
    return this.#isGone(there.parent) ? undefined : there;
  }

  isChanged(id: string): boolean {
    return this.#index.drift.get(id) !== undefined;
  }

  /** The node that was put into a place in the cloud. */
  at({ parent, name }: Place): Mirrored | undefined {
    const there = this.#index.drift.at(this.folder(parent), name);
    return there && !this.#isGone(there.parent) ? there : undefined;
  }

  /** The folder in the cloud for one of the index. */
  folder(id: string): string {
    return this.#successors.get(id) ?? id;
  }

  hasSuccessor(id: string): boolean {
    return this.#successors.has(id);
  }

  succeed(id: string, successor: string): void {
    this.#successors.set(id, successor);
  }

  /** Whether a node is in a folder, in the cloud. */
  isInside(node: Mirrored, folder: string): boolean {
    return this.#above(node.parent).includes(folder);
  }

  #isGone(folder: string): boolean {
    return this.#above(folder).some((id) => this.#index.drift.get(id) === null);
  }

  /** A folder and those above it, up to the root or to one that this run has created. */
  #above(folder: string): string[] {
    const ids: string[] = [];
    for (let at = folder; at !== this.#index.state?.root;) {
      ids.push(at);
      const node = this.#index.drift.get(at) ?? this.#index.get(at);
      if (!node || ids.length > 4096) break;
      at = node.parent;
    }
    return ids;
  }
}
