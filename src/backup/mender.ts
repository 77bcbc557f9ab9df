import type { BackupIndex } from './backup-index.ts';
import type { Changes, EntryPlace } from './changes.ts';
import type { CloudState } from './cloud-state.ts';
import type { Committer } from './committer.ts';
import type { Mirrored } from './mirrored.ts';
import type { Moves } from './moves.ts';
import type { SourceEntry } from './source-entry.ts';
import type { StoreOp } from './store.ts';

export interface MenderOptions {
  readonly index: BackupIndex;
  readonly cloud: CloudState;
  readonly changes: Changes;
  readonly committer: Committer;
  readonly moves: Moves;
}

interface Recreated {
  readonly before: Mirrored;
  after: Mirrored | undefined;
}

const IN_THE_WAY = '.fjord-replaced-';

/** The name of a node that gives way to another. */
export function nameInTheWay(id: string): string {
  return IN_THE_WAY + id;
}

/** Whether a run has moved a node out of the way. */
export function isInTheWay({ id, name }: Pick<Mirrored, 'id' | 'name'>): boolean {
  return name === nameInTheWay(id);
}

/**
 * Puts right what was changed in the cloud, as far as a local change needs it: the changed node, the folders above it,
 * and what has taken their places. All else that was changed there is left alone.
 */
export class Mender {
  readonly #options: MenderOptions;
  /** Nodes and folders that are in place, or will be once pending changes are done. */
  readonly #settled = new Set<string>();
  readonly #recreated: Recreated[] = [];
  /** Nodes of the cloud alone that had to give way. */
  readonly #foreign: Mirrored[] = [];
  /** Nodes that had to give way, and are to be put back in their own places. */
  #displaced: Mirrored[] = [];

  constructor(options: MenderOptions) {
    this.#options = options;
  }

  /** Puts a node of the index back in its place. @returns what the cloud has of it; undefined if it was removed there */
  settle(node: Mirrored): Mirrored | undefined {
    const { cloud, moves } = this.#options;
    if (cloud.isAsKnown) return node;
    this.folder(node.parent);
    const now = cloud.now(node);
    if (!now) return undefined;
    const settled = { ...now, parent: node.parent, name: node.name };
    if (this.#settled.has(node.id)) return settled;
    this.#settled.add(node.id);
    const from = moves.placeOf(node) ?? now;
    if (cloud.folder(from.parent) === cloud.folder(node.parent) && from.name === node.name) return settled;
    const to = this.#place(node);
    this.#free(to);
    this.#move(now, from, to);
    for (const one of this.#displaced.splice(0)) this.settle(one);
    return settled;
  }

  /** Puts a folder of the index, and those above it, in place; one that was removed in the cloud is recreated. */
  folder(id: string): void {
    const { index, cloud } = this.#options;
    if (cloud.isAsKnown || cloud.hasSuccessor(id)) return;
    const node = index.get(id);
    // It may be the root, or have been created in this run.
    if (node && !this.settle(node)) this.recreate(node);
  }

  /** Creates a folder again that was removed in the cloud; what was in it is left as it is. */
  recreate(node: Mirrored, entry?: SourceEntry): void {
    const { cloud, changes, committer } = this.#options;
    if (cloud.hasSuccessor(node.id)) return;
    this.folder(node.parent);
    const place = this.#place(node);
    const there = this.claim(place, 'folder');
    const recreated: Recreated = { before: node, after: undefined };
    const done = (after: Mirrored): StoreOp[] => {
      recreated.after = after;
      return [];
    };
    const made = changes.recreate(place, { node, entry, there, done });
    cloud.succeed(node.id, made.intent.node);
    this.#recreated.push(recreated);
    committer.add(made);
  }

  /**
   * Makes a place ready for a new entry. @returns the node that is there in the cloud alone, if it can become the entry's;
   * another one gives way
   */
  claim(place: EntryPlace, kind: Mirrored['kind'], target?: string): Mirrored | undefined {
    const { cloud, index } = this.#options;
    if (cloud.isAsKnown) return undefined;
    this.folder(place.parent);
    const there = this.#holder(place);
    if (!there) return undefined;
    if (there.kind === kind && there.target === target && !index.get(there.id)) {
      this.#settled.add(there.id);
      return { ...there, parent: place.parent };
    }
    this.#free(place);
    for (const one of this.#displaced.splice(0)) this.settle(one);
    return undefined;
  }

  /** Prepares the removal of a folder: what was moved into it in the cloud leaves it; resolves to what was moved out of it. */
  async part(node: Mirrored): Promise<Mirrored[]> {
    const { index, cloud } = this.#options;
    const out: Mirrored[] = [];
    if (cloud.isAsKnown || node.kind !== 'folder') return out;
    for await (const [id, now] of index.drift.all()) {
      const known = index.get(id);
      const [isInside, wasInside] = [now && cloud.isInside(now, node.id), known && this.#wasInside(known, node.id)];
      if (known && isInside && !wasInside) this.settle(known);
      if (now && wasInside && !isInside) out.push(now);
    }
    return out;
  }

  /** Removes the nodes that had to give way, and lets the index follow. To be called when all changes are done. */
  async finish(): Promise<void> {
    const { committer, changes } = this.#options;
    for (const node of this.#foreign) {
      await this.part(node);
      committer.add(changes.remove(node, node.name));
    }
    await committer.flush();
    for (const { before, after } of this.#recreated) if (after) await this.#replace(before, after);
  }

  /** What was in a recreated folder and has not changed is still known there, and removed in the cloud. */
  async #replace(before: Mirrored, after: Mirrored): Promise<void> {
    const { index, cloud } = this.#options;
    for await (const child of index.children(before.id)) {
      // It follows by itself.
      if (cloud.hasSuccessor(child.id)) continue;
      const isTaken = index.at(after.id, child.name) !== undefined;
      const now = index.drift.get(child.id);
      const moved = { ...child, parent: after.id };
      const ops = isTaken ? index.forget(child) : index.put(moved, child);
      if (!isTaken) ops.push(...index.drift.observe(child.id, now ?? null, moved));
      await index.write(ops);
    }
    const parent = cloud.folder(after.parent);
    await index.write([
      ...index.forget(before),
      ...index.drift.clear(after.id),
      ...index.put({ ...after, parent }, undefined),
    ]);
  }

  #wasInside(node: Mirrored, folder: string): boolean {
    const { index } = this.#options;
    for (let at: Mirrored | undefined = node; at; at = index.get(at.parent)) if (at.parent === folder) return true;
    return false;
  }

  /** What the cloud has at a place and was not put elsewhere by this run. */
  #holder(place: EntryPlace): Mirrored | undefined {
    const { cloud, moves } = this.#options;
    const there = cloud.at(place);
    return there && !this.#settled.has(there.id) && moves.placeOf(there) === undefined ? there : undefined;
  }

  #free(place: EntryPlace): void {
    const { index } = this.#options;
    const there = this.#holder(place);
    if (!there) return;
    const known = index.get(there.id);
    this.#move(there, place, { ...place, name: nameInTheWay(there.id) });
    if (known) this.#displaced.push(known);
    else this.#foreign.push(there);
  }

  #move(node: Mirrored, from: { parent: string; name: string }, to: EntryPlace): void {
    const { changes, committer, moves } = this.#options;
    const { path } = to;
    moves.putBack(node, to);
    committer.add(changes.putBack(node, { parent: from.parent, name: from.name, path }, to));
  }

  #place({ parent, name, ...node }: Mirrored): EntryPlace {
    return { parent, name, path: this.#options.index.path({ ...node, parent, name }) ?? name };
  }
}
