import type { BackupIndex } from './backup-index.ts';
import { looksMoved } from './decide.ts';
import type { EntryPlace } from './changes.ts';
import type { CloudState } from './cloud-state.ts';
import type { Mirrored } from './mirrored.ts';
import type { MountPoints } from './mount-points.ts';
import { hasVanished, type SourceEntry } from './source-entry.ts';
import type { Look } from './source-thread.ts';
import type { SourceThread } from './start-source-thread.ts';

/** A node that may be moved to another place, and its place in the cloud once pending changes are done. */
export interface Candidate {
  /** As the cloud has it. */
  readonly node: Mirrored;
  readonly from: EntryPlace;
}

export interface MovesOptions {
  readonly index: BackupIndex;
  readonly cloud: CloudState;
  readonly source: SourceThread;
  readonly mountPoints: MountPoints;
  /** The mirror was empty when the run began: nothing can have moved, and nothing is looked up. */
  readonly fresh: boolean;
}

const MOST_PRESENT = 100_000;

/**
 * Finds, for entries that have appeared in the source, the nodes of the mirror whose files have vanished: by inode,
 * which needs no reading, or by content. Each node is returned only once.
 */
export class Moves {
  readonly #index: BackupIndex;
  readonly #cloud: CloudState;
  readonly #source: SourceThread;
  readonly #mountPoints: MountPoints;
  readonly #fresh: boolean;
  /** Where nodes are that were moved in this run. */
  readonly #places = new Map<string, EntryPlace>();
  /** Those of them that were only moved out of the way. */
  readonly #displaced = new Set<string>();
  /** Ids of nodes whose files were found in place, so that they need not be checked again. */
  readonly #present = new Set<string>();

  constructor({ index, cloud, source, mountPoints, fresh }: MovesOptions) {
    this.#mountPoints = mountPoints;
    this.#fresh = fresh;
    this.#cloud = cloud;
    this.#index = index;
    this.#source = source;
  }

  /** Whether the node that the index has at a place is no longer there, because it was moved in this run. */
  hasLeft(node: Mirrored): boolean {
    const place = this.#places.get(node.id);
    return place !== undefined && (place.parent !== node.parent || place.name !== node.name);
  }

  /** Whether no entry of the source has claimed the node in this run. */
  isFree(node: Mirrored): boolean {
    return !this.#places.has(node.id) || this.#displaced.has(node.id);
  }

  /** Claims a node for the entry at this place, where it is or to which it will be moved. */
  claim(node: Mirrored, to: EntryPlace): void {
    this.#places.set(node.id, to);
    this.#displaced.delete(node.id);
  }

  /** A node that was moved in the cloud is put back, or gives way to one that is: no entry has claimed it yet. */
  putBack(node: Mirrored, to: EntryPlace): void {
    if (this.isFree(node)) this.displace(node, to);
    else this.#places.set(node.id, to);
  }

  /** Where this run has moved a node. */
  placeOf(node: Mirrored): EntryPlace | undefined {
    return this.#places.get(node.id);
  }

  displace(node: Mirrored, to: EntryPlace): void {
    this.#places.set(node.id, to);
    this.#displaced.add(node.id);
  }

  /** Finds, by inode, the node of the file or folder that is now `entry`, at `to`. */
  async byInode(entry: SourceEntry, to: EntryPlace): Promise<Candidate | undefined> {
    if (this.#fresh) return undefined;
    for await (const node of this.#index.withInode(entry.inode)) {
      if (!looksMoved(entry, node)) continue;
      const found = await this.#take(node, to, (look) => look?.inode !== entry.inode);
      if (found) return found;
    }
    return undefined;
  }

  /** Finds a node with this content. Empty files are not matched, as they are all equal. */
  async byContent(hash: string, size: number, to: EntryPlace): Promise<Candidate | undefined> {
    if (size === 0 || this.#fresh) return undefined;
    for await (const node of this.#index.withHash(hash)) {
      if (this.#cloud.isChanged(node.id)) continue;
      const found = await this.#take(
        node,
        to,
        (look) => look === null || (node.source !== undefined && look.inode !== node.source.inode),
      );
      if (found) return found;
    }
    return undefined;
  }

  /**
   * Claims a node if it is free and its file has vanished. Checking and claiming happen in one turn of the event loop.
   */
  async #take(node: Mirrored, to: EntryPlace, isGone: (look: Look) => boolean): Promise<Candidate | undefined> {
    const path = this.#index.path(node);
    const now = this.#cloud.now(node);
    if (path === undefined || !now || !this.isFree(node) || this.#present.has(node.id)) return undefined;
    // Both before and after: a disk that was away for a moment has lost nothing.
    if (!(await this.#mountPoints.isThere(node))) return undefined;
    const look = await this.#source.request<Look>({ ask: 'look', path }).catch(nothing);
    if (look === undefined || !isGone(look)) {
      if (this.#present.size < MOST_PRESENT) this.#present.add(node.id);
      return undefined;
    }
    if (!(await this.#mountPoints.isThere(node)) || !this.isFree(node)) return undefined;
    const from = this.#places.get(node.id) ?? { parent: now.parent, name: now.name, path };
    this.claim(node, to);
    return { node: now, from };
  }
}

/** A path through a file (ENOTDIR) is absent, like ENOENT; undefined where the disk does not say. @throws EINTR */
function nothing(error: NodeJS.ErrnoException): null | undefined {
  if (error.code === 'EINTR') throw error;
  return hasVanished(error) ? null : undefined;
}
