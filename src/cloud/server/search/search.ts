import type { SearchRecord, SpaceRecord } from '../../records.ts';
import type { Caller } from '../meta/caller.ts';
import { locateIn } from '../meta/folders.ts';
import { changedNodes } from '../meta/node-pages.ts';
import type { Db } from '../meta/schema.ts';
import { listSpaces } from '../meta/spaces.ts';
import { judgeMarks, stampOf } from '../meta/stamps.ts';
import { Refusal } from '../refusal.ts';
import { NameIndex } from './name-index.ts';

/** Names that are taken in at a time, which takes about 10 ms of the service's thread. */
const PAGE = 300;
/** How long a search waits for names that the index does not have yet, ms. */
const TIMEOUT = 500;
/** Most results of a search, and names that are looked at for them: those in removed folders are still in the index. */
const RESULTS = 100;
const LOOKED_AT = 500;
const WORDS = 10;

/**
 * Search by name. The index follows the changes of a space like any client, but only when one searches, so that nothing is paid
 * for it otherwise. Safe to call concurrently.
 */
export class Search {
  readonly #db: Db;
  readonly #file: string;
  readonly #stop = new AbortController();
  #index: Promise<NameIndex> | undefined;
  /** Spaces whose changes are being taken in. */
  readonly #following = new Map<string, Promise<void>>();
  readonly #failed: (error: unknown) => void;

  /** @param failed is given what kept names out of the index */
  constructor(db: Db, file: string, failed: (error: unknown) => void) {
    this.#db = db;
    this.#file = file;
    this.#failed = failed;
  }

  /**
   * The live nodes of the caller's spaces whose names contain all words of the query.
   * @throws bad_request
   */
  async find(caller: Caller, query: string): Promise<SearchRecord> {
    const words = wordsOf(query);
    const spaces = await listSpaces(this.#db, caller);
    const index = await this.#open();
    const complete = await this.#catchUp(index, spaces);
    const results: SearchRecord['results'][number][] = [];
    const seen = new Set<string>();
    const ids = spaces.map(({ id }) => id);
    for await (const found of index.find(words, ids, LOOKED_AT)) {
      for (const id of found) {
        if (results.length === RESULTS) return { results, complete };
        if (seen.has(id)) continue;
        seen.add(id);
        const location = await this.#locate(caller, spaces, id);
        if (location !== undefined) results.push(location);
      }
    }
    return { results, complete };
  }

  /** Waits for the names that are being taken in, and releases the file. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#following.values());
    (await this.#index)?.close();
  }

  /** A disk that was full may have room the next time. */
  async #open(): Promise<NameIndex> {
    this.#index ??= NameIndex.open(this.#file);
    try {
      return await this.#index;
    } catch (error) {
      this.#index = undefined;
      throw error;
    }
  }

  async #locate(caller: Caller, spaces: readonly SpaceRecord[], id: string) {
    try {
      const { space, node, path } = await locateIn(this.#db, caller.account, spaces, id);
      return node === null ? undefined : { space: space.id, node, path };
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }

  /** Resolves to whether the index has all names, after waiting for a while. */
  async #catchUp(index: NameIndex, spaces: readonly SpaceRecord[]): Promise<boolean> {
    const behind = spaces.map((space) => this.#follow(index, space));
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, TIMEOUT, false)));
    const isComplete = await Promise.race([Promise.all(behind).then(() => true), timeout]);
    clearTimeout(timer);
    return isComplete;
  }

  /** Never rejects. */
  async #follow(index: NameIndex, space: SpaceRecord): Promise<void> {
    const running = this.#following.get(space.id);
    if (running !== undefined) return await running;
    const work = this.#take(index, space).catch(this.#failed);
    this.#following.set(space.id, work);
    await work;
    this.#following.delete(space.id);
  }

  async #take(index: NameIndex, space: SpaceRecord): Promise<void> {
    const cursor = index.cursor(space.id);
    const isRewound = cursor.rev > 0 && (await judgeMarks(this.#db, space, [cursor])) === 'rewound';
    if (isRewound) index.clear(space.id);
    let { rev } = isRewound ? { rev: 0 } : cursor;
    while (rev < space.rev && !this.#stop.signal.aborted) {
      const nodes = await changedNodes(this.#db, space, rev, PAGE);
      rev = nodes.length < PAGE ? space.rev : (nodes.at(-1)?.rev ?? space.rev);
      index.apply(space.id, nodes, { rev, stamp: (await stampOf(this.#db, space.id, rev)) ?? '' });
      await new Promise(setImmediate);
    }
  }
}

function wordsOf(query: string): string[] {
  const words = query.normalize('NFC').replaceAll('\0', ' ').split(/\s+/).filter(Boolean);
  if (words.length === 0) throw new Refusal('bad_request', 'the query is empty; give a part of a name');
  return words.slice(0, WORDS);
}
