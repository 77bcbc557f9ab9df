import { LRUCache } from 'lru-cache';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Content, ContentStore } from '../../cache/content/content.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import { compareUtf8 } from '../../cache/db/table.ts';
import type { NodeId } from '../../vfs/node.ts';
import { contentOf } from './open/source.ts';

/** Files up to this size are small, bytes: what they cost is the round trip. */
const SMALL = 1 << 20;
/** This many files opened in order count as a walk. */
const STEPS = 2;
/** How many siblings are fetched at once, and how many folders are watched. */
const AHEAD = 64;
const FOLDERS = 64;

interface Walk {
  last: string;
  steps: number;
  /** Siblings up to this name have been requested. */
  fetched: string;
}

/** Detects that the small files of a folder are opened in order, and prefetches the next ones. */
export class Siblings {
  readonly #catalog: Catalog;
  readonly #store: ContentStore;
  readonly #walks = new LRUCache<NodeId, Walk>({ max: FOLDERS });

  constructor(catalog: Catalog, store: ContentStore) {
    this.#catalog = catalog;
    this.#store = store;
  }

  /** A file was opened for reading. */
  opened({ parent, name, size }: Entry): void {
    if (size > SMALL) return;
    const walk = this.#walks.get(parent);
    if (walk === undefined) {
      this.#walks.set(parent, { last: name, steps: 0, fetched: '' });
      return;
    }
    const isNext = compareUtf8(name, walk.last) > 0;
    walk.steps = isNext ? walk.steps + 1 : 0;
    if (!isNext) walk.fetched = '';
    walk.last = name;
    if (walk.steps < STEPS || compareUtf8(name, walk.fetched) < 0) return;
    void this.#fetch(parent, walk).catch(() => undefined);
  }

  async #fetch(parent: NodeId, walk: Walk): Promise<void> {
    const from = walk.last;
    // No second request until this page has arrived.
    walk.fetched = '\u{10ffff}';
    const { entries } = await this.#catalog.page(parent, from, AHEAD);
    walk.fetched = entries.at(Math.floor(entries.length / 2))?.name ?? '\u{10ffff}';
    const wanted = entries.filter((entry) => entry.kind === 'file' && entry.size > 0 && entry.size <= SMALL);
    const contents = wanted.map(contentOf).filter((content): content is Content => content !== undefined);
    this.#store.prefetch(contents.filter(({ hash }) => !this.#store.has(hash)));
  }
}
