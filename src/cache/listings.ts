import { LRUCache } from 'lru-cache';
import type { NodeId } from '../vfs/node.ts';
import type { Entry } from './entry.ts';
import { compareUtf8 } from './table.ts';

/** Bytes that an entry's place in a listing is counted with; most entries are in memory anyway. */
const ENTRY = 500;

/** The first children of a folder, in order, without a gap. */
export interface Listing {
  readonly entries: readonly Entry[];
  /** The folder has no others. */
  readonly complete: boolean;
}

export interface KnownPage {
  readonly entries: readonly Entry[];
  readonly more: boolean;
}

/**
 * What folders that were listed lately hold, so that listing them again needs no disk. A listing is forgotten as soon as
 * anything in its folder changes. A folder that does not fit is not kept.
 */
export class Listings {
  readonly #listings: LRUCache<NodeId, Listing>;

  /** `maxBytes` bounds the entries of all listings, by a rough count of their size. */
  constructor(maxBytes: number) {
    this.#listings = new LRUCache<NodeId, Listing>({
      maxSize: maxBytes,
      sizeCalculation: ({ entries }) => (entries.length + 1) * ENTRY,
    });
  }

  /** Up to `limit` entries behind `after` if they are known, and whether more follow. */
  page(folder: NodeId, after: string | undefined, limit: number): KnownPage | undefined {
    const listing = this.#listings.get(folder);
    if (listing === undefined) return undefined;
    const { entries, complete } = listing;
    const start = after === undefined ? 0 : behind(entries, after);
    const end = start + limit;
    if (end >= entries.length && !complete) return undefined;
    return { entries: entries.slice(start, end), more: end < entries.length };
  }

  /** To be called when a page is asked for that is not known; hand the answer to `extend` when the page is there. */
  begin(folder: NodeId, after: string | undefined): Listing | undefined {
    const known = this.#listings.get(folder);
    if (known !== undefined || after !== undefined) return known;
    const listing: Listing = { entries: [], complete: false };
    this.#listings.set(folder, listing);
    return listing;
  }

  /** Adds a page that was read as of `begin`, unless the folder has changed since or somebody else has added to it. */
  extend(folder: NodeId, listing: Listing, after: string | undefined, page: KnownPage): void {
    if (this.#listings.peek(folder) !== listing || listing.complete) return;
    const { entries } = listing;
    const start = after === undefined ? 0 : behind(entries, after);
    const hasGap = start === entries.length && entries.at(-1)?.name !== after;
    if (hasGap && after !== undefined) return;
    if (page.more && start + page.entries.length <= entries.length) return;
    this.#listings.set(folder, { entries: entries.slice(0, start).concat(page.entries), complete: !page.more });
  }

  /** Something in this folder is about to change. */
  forget(folder: NodeId): void {
    this.#listings.delete(folder);
  }
}

/** Index of the first entry whose name is behind `name`. */
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
