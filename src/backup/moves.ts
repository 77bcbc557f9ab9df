import { join } from 'node:path';
import type { BackupIndex } from './backup-index.ts';
import { looksMoved } from './decide.ts';
import type { Spot } from './changes.ts';
import type { Mirrored } from './mirrored.ts';
import type { SourceEntry } from './source-entry.ts';
import type { Look } from './source-thread.ts';
import type { SourceThread } from './transfer.ts';

/** A node that may go on at another place, and where the cloud has it, once what is waiting to be sent is done. */
export interface Candidate {
  readonly node: Mirrored;
  readonly from: Spot;
}

export interface MovesOptions {
  readonly index: BackupIndex;
  readonly source: SourceThread;
  /** The source folder, an absolute path. */
  readonly folder: string;
  /** The mirror was empty when the run began: nothing can have moved, and nothing is looked up. */
  readonly fresh: boolean;
}

const MOST_PRESENT = 100_000;

/**
 * Finds the nodes of the mirror whose files have vanished from their places in the source, for entries that have
 * appeared: by inode, which needs no reading, or by content. Each is given away once.
 */
export class Moves {
  readonly #index: BackupIndex;
  readonly #source: SourceThread;
  readonly #folder: string;
  readonly #fresh: boolean;
  /** Where nodes are that were moved in this run. */
  readonly #places = new Map<string, Spot>();
  /** Of those, the ones that were only put out of the way. */
  readonly #displaced = new Set<string>();
  /** Ids of nodes that were found to be where they should: nobody needs to look again. */
  readonly #present = new Set<string>();

  constructor({ index, source, folder, fresh }: MovesOptions) {
    this.#fresh = fresh;
    this.#index = index;
    this.#source = source;
    this.#folder = folder;
  }

  /** Whether the node that the index has at a place is no longer there, because it was moved in this run. */
  hasLeft(node: Mirrored): boolean {
    const place = this.#places.get(node.id);
    return place !== undefined && (place.parent !== node.parent || place.name !== node.name);
  }

  /** Whether nothing of the source has claimed the node in this run. */
  isFree(node: Mirrored): boolean {
    return !this.#places.has(node.id) || this.#displaced.has(node.id);
  }

  /** The node is taken for what is at this place, now or after it was moved there. */
  claim(node: Mirrored, to: Spot): void {
    this.#places.set(node.id, to);
    this.#displaced.delete(node.id);
  }

  displace(node: Mirrored, to: Spot): void {
    this.#places.set(node.id, to);
    this.#displaced.add(node.id);
  }

  /** The node of the file or folder that now is `entry`, at `to`. */
  async byInode(entry: SourceEntry, to: Spot): Promise<Candidate | undefined> {
    if (this.#fresh) return undefined;
    for await (const node of this.#index.withInode(entry.inode)) {
      if (!looksMoved(entry, node)) continue;
      const found = await this.#take(node, to, (look) => look?.inode !== entry.inode);
      if (found) return found;
    }
    return undefined;
  }

  /** A node with this content. Empty files are all alike, so none of them is another. */
  async byContent(hash: string, size: number, to: Spot): Promise<Candidate | undefined> {
    if (size === 0 || this.#fresh) return undefined;
    for await (const node of this.#index.withHash(hash)) {
      const found = await this.#take(
        node,
        to,
        (look) => look === null || (node.source !== undefined && look.inode !== node.source.inode),
      );
      if (found) return found;
    }
    return undefined;
  }

  /** Gives the node away in the same turn in which it is seen to be free. */
  async #take(node: Mirrored, to: Spot, isGone: (look: Look) => boolean): Promise<Candidate | undefined> {
    const path = this.#index.path(node);
    if (path === undefined || !this.isFree(node) || this.#present.has(node.id)) return undefined;
    const look = await this.#source.request<Look>({ ask: 'look', path: join(this.#folder, path) }).catch(nothing);
    if (!isGone(look)) {
      if (this.#present.size < MOST_PRESENT) this.#present.add(node.id);
      return undefined;
    }
    if (!this.isFree(node)) return undefined;
    const from = this.#places.get(node.id) ?? { parent: node.parent, name: node.name, path };
    this.claim(node, to);
    return { node, from };
  }
}

/** A path through what is a file now has nothing at its end. */
function nothing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOTDIR' || error.code === 'ENOENT') return null;
  throw error;
}
