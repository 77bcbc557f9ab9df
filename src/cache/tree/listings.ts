import { LRUCache } from 'lru-cache';
import type { NodeId } from '../../vfs/node.ts';
import type { Entry } from './entry.ts';
import type { Observer, Op } from '../db/group-writer.ts';
import { compareUtf8 } from '../db/table.ts';

/** Bytes that are counted for an entry in a listing; most entries are in memory anyway. */
const ENTRY = 500;

/** The first children of a folder, in order and without gaps. */
interface Listing {
  /** Updated in place as the folder changes. */
  readonly entries: Entry[];
  /** Whether these are all children. */
  readonly complete: boolean;
  /** The changes since the start of each page read in progress. */
  readonly reads: Set<Changes>;
}

/** The entries of a folder that have changed since a page was requested, by name; `undefined` for removed ones. */
type Changes = Map<string, Entry | undefined>;

export interface KnownPage {
  readonly entries: readonly Entry[];
  readonly more: boolean;
}

/**
 * The content of recently listed folders, so that listing them again does not read the disk. It is updated by every
 * change, so a folder into which a program copies, or whose files are being uploaded, is listed from memory, too. A
 * folder that is too large is not kept.
 */
export class Listings implements Observer {
  readonly #listings: LRUCache<NodeId, Listing>;

  /** @param maxBytes bounds the entries of all listings, by a rough estimate of their size */
  constructor(maxBytes: number) {
    this.#listings = new LRUCache<NodeId, Listing>({
      maxSize: maxBytes,
      sizeCalculation: ({ entries }) => (entries.length + 1) * ENTRY,
    });
  }

  /** Up to `limit` entries after `after`, and whether more follow, if they are known. */
  page(folder: NodeId, after: string | undefined, limit: number): KnownPage | undefined {
    const listing = this.#listings.get(folder);
    if (listing === undefined) return undefined;
    const { entries, complete } = listing;
    const start = after === undefined ? 0 : behind(entries, after);
    const end = start + limit;
    if (end >= entries.length && !complete) return undefined;
    return { entries: entries.slice(start, end), more: end < entries.length };
  }

  /**
   * Reads and keeps a page that is not known. `read` must return the content as of its call; changes since then are
   * applied.
   */
  async learn(folder: NodeId, after: string | undefined, read: () => Promise<KnownPage>): Promise<KnownPage> {
    const reads = this.#begin(folder, after);
    const changes: Changes = new Map();
    reads?.add(changes);
    try {
      const page = await read();
      if (reads !== undefined) this.#extend(folder, { after, page, reads, changes });
      return page;
    } finally {
      reads?.delete(changes);
    }
  }

  submitted({ key, value }: Op): void {
    const [folder, name] = placeOf(key);
    const listing = this.#listings.peek(folder);
    if (listing === undefined) return;
    const entry = value as Entry | undefined;
    for (const changes of listing.reads) changes.set(name, entry);
    const { entries, complete } = listing;
    const at = behind(entries, name);
    const isThere = entries[at - 1]?.name === name;
    if (isThere && entry !== undefined) entries[at - 1] = entry;
    else if (isThere) this.#resize(folder, listing, () => entries.splice(at - 1, 1));
    // If the listing is incomplete, unknown entries may come between the last known one and this one.
    else if (entry !== undefined && (complete || at < entries.length)) {
      this.#resize(folder, listing, () => entries.splice(at, 0, entry));
    }
  }

  lost({ key }: Op): void {
    const [folder] = placeOf(key);
    this.#listings.delete(folder);
  }

  /** The reads of the folder's listing; `undefined` if a page after `after` would leave a gap. */
  #begin(folder: NodeId, after: string | undefined): Listing['reads'] | undefined {
    const known = this.#listings.get(folder);
    if (known !== undefined || after !== undefined) return known?.reads;
    const listing: Listing = { entries: [], complete: false, reads: new Set() };
    this.#listings.set(folder, listing);
    return listing.reads;
  }

  /** Adds a page, unless the listing has been dropped or extended since. */
  #extend(folder: NodeId, { after, page, reads, changes }: Learnt): void {
    const listing = this.#listings.peek(folder);
    if (listing === undefined || listing.reads !== reads || listing.complete) return;
    const { entries } = listing;
    const start = after === undefined ? 0 : behind(entries, after);
    const hasGap = after !== undefined && start === entries.length && entries.at(-1)?.name !== after;
    if (hasGap || (page.more && start + page.entries.length <= entries.length)) return;
    const all = entries.slice(0, start).concat(brought(page, after, changes));
    this.#listings.set(folder, { entries: all, complete: !page.more, reads });
  }

  /** Changes a listing and sets it again, because the cache keeps the size from when it was last set. */
  #resize(folder: NodeId, listing: Listing, change: () => void): void {
    change();
    this.#listings.set(folder, { ...listing });
  }
}

interface Learnt {
  readonly after: string | undefined;
  readonly page: KnownPage;
  readonly reads: Listing['reads'];
  readonly changes: Changes;
}

/** A page with the changes since it was requested. */
function brought({ entries, more }: KnownPage, after: string | undefined, changes: Changes): readonly Entry[] {
  if (changes.size === 0) return entries;
  const last = more ? entries.at(-1)?.name : undefined;
  const isIn = (name: string): boolean =>
    (after === undefined || compareUtf8(name, after) > 0) && (last === undefined || compareUtf8(name, last) <= 0);
  const come = [...changes.values()].filter((entry) => entry !== undefined && isIn(entry.name)) as Entry[];
  return [...entries.filter(({ name }) => !changes.has(name)), ...come].sort((a, b) => compareUtf8(a.name, b.name));
}

/** The folder and the name in an entry's key. */
function placeOf(key: string): [folder: NodeId, name: string] {
  const end = key.indexOf('/');
  return [key.slice(0, end), key.slice(end + 1)];
}

/** Index of the first entry whose name is after `name`. */
function behind(entries: readonly Entry[], name: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareUtf8(entries[middle]?.name ?? '', name) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
