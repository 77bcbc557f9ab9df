import type { NodePast, PastVersion } from '../../cloud/records.ts';
import type { Lack, SpaceNodes } from './cloud-tree.ts';
import type { TreeNode } from './node-entry.ts';

/** Where a node is at a time. */
interface Place {
  readonly parent: string;
  readonly name: string;
}

/** A folder of more levels than this is a circle. */
const DEEPEST = 10_000;

/**
 * What a space looked like at a time, from what it remembers: names, folders, and of each file the version that was current then.
 * Times of folders, modes and extended attributes are those of today. A file is a lack if its version of then was thinned out
 * or is gone for good; of what was removed more than sixty days ago nothing is known. Pure.
 * @param root id of the root folder
 * @param time ms since 1970
 */
export function stateAt(records: readonly NodePast[], root: string, time: number): SpaceNodes {
  const past = new Past(records, time);
  const nodes: TreeNode[] = [];
  const lacks: Lack[] = [];
  for (const record of records) {
    const path = past.pathOf(record, root);
    if (path === undefined) continue;
    const { node } = record;
    const there = { ...node, ...past.placeOf(record) };
    if (node.kind !== 'file') {
      nodes.push(there);
      continue;
    }
    const version = past.versionOf(record);
    if (version)
      nodes.push({ ...there, version: version.id, hash: version.hash, size: version.size, mtime: version.mtime });
    else lacks.push({ path, reason: reasonOf(record) });
  }
  return { nodes, lacks };
}

class Past {
  readonly #time: number;
  readonly #byId = new Map<string, NodePast>();
  /** Nodes by places where they are or were. */
  readonly #visitors = new Map<string, NodePast[]>();

  constructor(records: readonly NodePast[], time: number) {
    this.#time = time;
    for (const record of records) {
      this.#byId.set(record.node.id, record);
      for (const place of [record.node, ...record.places]) {
        const visitors = this.#visitors.get(keyOf(place));
        if (visitors) visitors.push(record);
        else this.#visitors.set(keyOf(place), [record]);
      }
    }
  }

  /** From the root; undefined if the node was not there. */
  pathOf(record: NodePast, root: string): string | undefined {
    const names: string[] = [];
    for (let at = record; names.length < DEEPEST;) {
      if (!this.#isThere(at)) return undefined;
      const { parent, name } = this.placeOf(at);
      names.push(name);
      if (parent === root) return names.toReversed().join('/');
      const above = this.#byId.get(parent);
      if (above?.node.kind !== 'folder') return undefined;
      at = above;
    }
    return undefined;
  }

  placeOf(record: NodePast): Place {
    return placeAt(record, this.#time);
  }

  /** The version that was current, also if another node has got it since. */
  versionOf(record: NodePast): PastVersion | undefined {
    const seen = new Set([record]);
    // The set grows while it is gone through.
    for (const at of seen) {
      const found = at.versions.find(({ since, until = Infinity }) => since <= this.#time && this.#time < until);
      if (found) return found;
      for (const heir of this.#heirsOf(at)) seen.add(heir);
    }
    return undefined;
  }

  #isThere(record: NodePast): boolean {
    return bornAt(record) <= this.#time && this.#time < (record.removed ?? Infinity);
  }

  /**
   * Nodes that had the place of a file after it: if it was replaced, one of them has its versions. Those of others are later than its
   * removal.
   */
  #heirsOf(record: NodePast): NodePast[] {
    const { removed, purged = false, node } = record;
    if (!purged || removed === undefined || node.kind !== 'file') return [];
    const visitors = this.#visitors.get(keyOf(node)) ?? [];
    return visitors.filter(
      (other) => isSamePlace(placeAt(other, removed), node) && removed < (other.removed ?? Infinity),
    );
  }
}

function placeAt({ node, places }: NodePast, time: number): Place {
  return places.find(({ until }) => time < until) ?? node;
}

function isSamePlace(a: Place, b: Place): boolean {
  return a.parent === b.parent && a.name === b.name;
}

function keyOf({ parent, name }: Place): string {
  return `${parent}/${name}`;
}

/**
 * When a node was made: its id says it, to the clock of the computer that made it. What the service has seen of it counts if it is
 * earlier, but not the versions that it has taken over.
 */
function bornAt({ node }: NodePast): number {
  return Math.min(idTime(node.id) ?? node.ctime, node.ctime);
}

/** Of a UUIDv7, see `newId`. */
function idTime(id: string): number | undefined {
  return /^[\da-f]{8}-[\da-f]{4}-7/.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined;
}

function reasonOf({ removed, purged, versions }: NodePast): string {
  if (purged && removed !== undefined) return `it was removed on ${day(removed)} and is no longer in the Trash`;
  const [first] = versions;
  if (first === undefined) return 'no version of it is kept';
  return `its version of then is no longer kept; the oldest that is kept is of ${day(first.since)}`;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
