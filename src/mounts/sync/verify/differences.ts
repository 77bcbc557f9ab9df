import { type Entry, agreedSpace, entryKey } from '../../../cache/tree/entry.ts';
import type { SpaceState } from '../../../cache/tree/catalog.ts';
import type { Remote } from '../../../cloud/remote.ts';
import type { NodeRecord } from '../../../cloud/records.ts';
import { bucketOf, isSameNode } from '../../../cloud/tree-digest.ts';
import type { Context } from '../../../vfs/context.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { IdSet } from '../follow/id-set.ts';
import { BEFORE } from '../follow/relabel.ts';
import type { Replica } from '../replica.ts';
import { inward } from '../shared-root.ts';
import { agreedNode, UNKNOWN } from './agreed.ts';

/** Differences of one kind that are looked for at a time; there may be more. */
export const MOST = 20_000;

/** How the catalog differs from the cloud in a way that neither the feed nor the result of a pending change will put right. */
export interface Differences {
  /** The revision of the cloud's state. */
  readonly cursor: number;
  /** Nodes of the cloud that are not here, or are different here, and the revision that they have here. */
  readonly records: readonly { readonly record: NodeRecord; readonly known: number | undefined }[];
  /** Entries that the cloud has no node for. */
  readonly ghosts: readonly Entry[];
  /** Second entries of nodes that have another one. */
  readonly strays: readonly Entry[];
  /** Whether it cannot be told yet if something else is wrong, too. */
  readonly isUnsure: boolean;
}

export interface DifferencesParts {
  readonly replica: Replica;
  readonly remote: Pick<Remote, 'snapshot'>;
  /** Whether the node is listed as one that cannot be shown. */
  readonly isListed: (node: NodeId) => boolean;
  /** Whether a record or removal of the node waits to be shown. */
  readonly isWaiting: (node: NodeId) => boolean;
  /** How far the feed was read. */
  readonly position: () => number;
}

/**
 * Revisions that entries have and the cloud had not when they were looked at. A change that was just sent looks like that, too, but
 * the next snapshot has it; an entry that then still has a revision from the future is wrong.
 */
export type Suspects = Map<NodeId, number>;

/** Compares the nodes in some buckets of a space one by one. `undefined` if the cloud has gone back in time. */
export async function findDifferences(
  parts: DifferencesParts,
  space: SpaceState,
  buckets: readonly number[],
  suspects: Suspects,
  context: Context,
): Promise<Differences | undefined> {
  const finder = new Finder(parts, space, new Set(buckets), suspects);
  let cursor: number | undefined;
  for await (const item of parts.remote.snapshot(space.id, context, [], buckets)) {
    if ('rewound' in item) return undefined;
    if ('cursor' in item) cursor = item.cursor;
    else if ('id' in item) finder.see(item);
    else if (item.node !== undefined) finder.skip(item.node);
  }
  return cursor === undefined ? undefined : await finder.finish(cursor);
}

class Finder {
  readonly #parts: DifferencesParts;
  readonly #space: SpaceState;
  readonly #buckets: ReadonlySet<number>;
  readonly #suspects: Suspects;
  readonly #seen = new IdSet();
  #isUnsure = false;
  readonly #different = new Map<NodeId, { readonly record: NodeRecord; readonly known: number | undefined }>();

  constructor(parts: DifferencesParts, space: SpaceState, buckets: ReadonlySet<number>, suspects: Suspects) {
    this.#parts = parts;
    this.#space = space;
    this.#buckets = buckets;
    this.#suspects = suspects;
  }

  /** A record that cannot be read, and is listed as an issue. */
  skip(node: NodeId): void {
    this.#seen.add(node);
  }

  see(record: NodeRecord): void {
    const { catalog } = this.#parts.replica;
    this.#seen.add(record.id);
    // The feed will bring it.
    if (record.rev > this.#parts.position() || this.#isPending(record.id)) return;
    const known = catalog.get(record.id);
    const own = known?.id === record.id ? known : undefined;
    if (own === undefined ? catalog.isSuperseded(record) : this.#isRight(own, record)) return;
    if (this.#different.size < MOST)
      this.#different.set(record.id, { record: inward(catalog, record), known: own?.rev });
  }

  async finish(cursor: number): Promise<Differences> {
    const records = [...this.#different.values()].filter(
      ({ record, known }) =>
        !(known !== undefined && this.#isNews(record.id, known, cursor)) &&
        !(known === undefined && this.#isGoing(record)),
    );
    const [ghosts, strays] = await this.#superfluous(cursor);
    return { cursor, records, ghosts, strays, isUnsure: this.#isUnsure };
  }

  #isRight(own: Entry, record: NodeRecord): boolean {
    const node = agreedNode(own, this.#space);
    // A base of an older version of Fjord has no attributes: the response to the pending change will have them.
    if (own.base !== undefined && own.base?.attributes === undefined) return true;
    if (node === undefined || agreedSpace(own) !== this.#space.id) return false;
    return isSameNode(node.size === UNKNOWN ? { ...node, size: record.size } : node, record);
  }

  /** Whether the result of something that was sent, or another record, decides what becomes of the node. */
  #isPending(id: NodeId): boolean {
    const { replica, isListed, isWaiting } = this.#parts;
    const { journal } = replica;
    if (journal.replacements.has(id) || isWaiting(id) || isListed(id)) return true;
    return journal.has(id) && (replica.isUnsure(id) || replica.localChanges(id).removal);
  }

  /** Whether the cloud may have assigned the revision after the state that was compared. */
  #isNews(id: NodeId, rev: number, cursor: number): boolean {
    if (rev <= cursor) return false;
    const suspect = this.#suspects.get(id) === rev;
    this.#suspects.set(id, rev);
    if (!suspect) this.#isUnsure = true;
    return !suspect;
  }

  /** Whether a node is not here because a folder above it was removed here, which is still to be sent. */
  #isGoing({ parent }: NodeRecord): boolean {
    const { catalog } = this.#parts.replica;
    const passed = new Set<NodeId>();
    for (let at = parent; !passed.has(at);) {
      passed.add(at);
      const folder = catalog.get(at);
      if (folder !== undefined) return !catalog.isReachable(folder);
      if (this.#isPending(at)) return true;
      const above = this.#different.get(at);
      if (above === undefined) return false;
      at = above.record.parent;
    }
    return false;
  }

  async #superfluous(cursor: number): Promise<[ghosts: Entry[], strays: Entry[]]> {
    const { replica, isWaiting } = this.#parts;
    const { catalog } = replica;
    const ghosts: Entry[] = [];
    const strays: Entry[] = [];
    for await (const entry of catalog.everything()) {
      const { id } = entry;
      if (agreedSpace(entry) !== this.#space.id || !this.#buckets.has(bucketOf(id))) continue;
      // One that has just come from another space is in a feed that has not been read.
      if (agreedNode(entry, this.#space) === undefined || isWaiting(id) || entry.rev === BEFORE) continue;
      if (isSecond(replica, entry)) strays.push(entry);
      else if (!this.#seen.has(id) && !replica.isUnsure(id) && !this.#isNews(id, entry.rev, cursor)) ghosts.push(entry);
      if (ghosts.length + strays.length >= MOST) break;
    }
    return [ghosts, strays];
  }
}

/** Whether an entry that was read just now is still there, and its node is known elsewhere. */
export function isSecond({ catalog }: Replica, entry: Entry): boolean {
  const known = catalog.get(entry.id);
  if (known?.id !== entry.id || entryKey(known.parent, known.name) === entryKey(entry.parent, entry.name)) return false;
  return catalog.child(entry.parent, entry.name)?.id === entry.id;
}
