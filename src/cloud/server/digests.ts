import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import PQueue from 'p-queue';
import { DIGEST_FORMAT, TreeDigest } from '../tree-digest.ts';
import type { SpaceDigest } from '../records.ts';
import { alive } from './meta/liveness.ts';
import { changedNodes } from './meta/node-pages.ts';
import { nodeRecord } from './meta/records.ts';
import type { Db, SpaceRow } from './meta/schema.ts';
import { Refusal } from './refusal.ts';

/** Nodes read by one query. */
const PAGE = 1000;
/** How often a space is read that changes meanwhile. */
const TRIES = 3;
/** How long a request waits for a digest, ms. */
const TIMEOUT = 10_000;
/** Spaces whose digests are remembered, 6 KB each. */
const REMEMBERED = 1000;

export interface DigestsOptions {
  readonly db: Db;
  /** How long a request waits, ms. */
  readonly timeout?: number;
}

/** The digests of spaces, each computed once for a revision whoever asks, and one at a time. */
export class Digests {
  readonly #db: Db;
  readonly #timeout: number;
  readonly #known = new LRUCache<string, SpaceDigest>({ max: REMEMBERED });
  readonly #running = new Map<string, Promise<SpaceDigest>>();
  readonly #queue = new PQueue({ concurrency: 1 });

  constructor({ db, timeout = TIMEOUT }: DigestsOptions) {
    this.#db = db;
    this.#timeout = timeout;
  }

  /** @throws too_many_requests while it is being computed, or if the space changes all the time; not_found */
  async of({ id, rev }: Pick<SpaceRow, 'id' | 'rev'>): Promise<SpaceDigest> {
    const known = this.#known.get(id);
    if (known?.rev === rev) return known;
    const running = this.#running.get(id) ?? this.#start(id);
    const timer = new AbortController();
    const late = sleep(this.#timeout, undefined, { signal: timer.signal, ref: false }).then(() => {
      throw new Refusal('too_many_requests', 'the digest is being computed; ask again', { retryAfter: 1 });
    });
    try {
      return await Promise.race([running, late]);
    } finally {
      timer.abort();
      late.catch(() => undefined);
    }
  }

  #start(id: string): Promise<SpaceDigest> {
    const running = this.#queue
      .add(() => digestOf(this.#db, id))
      .then((digest) => {
        this.#known.set(id, digest);
        return digest;
      })
      .finally(() => this.#running.delete(id));
    this.#running.set(id, running);
    // Who has asked may not wait any more.
    running.catch(() => undefined);
    return running;
  }
}

/**
 * Reads a space, in pages and pauses as long as those took. A space that changes meanwhile is read again, as pages of different
 * revisions do not make one. @throws too_many_requests, not_found
 */
export async function digestOf(db: Db, id: string): Promise<SpaceDigest> {
  for (let tries = 0; tries < TRIES; tries++) {
    const space = await spaceRow(db, id);
    const digest = await read(db, space);
    const { rev } = space;
    if (digest !== undefined) return { format: DIGEST_FORMAT, rev, nodes: digest.nodes, sums: digest.toString() };
  }
  throw new Refusal('too_many_requests', 'the space changes all the time; ask again later', { retryAfter: 60 });
}

/** `undefined` if the space has changed. */
async function read(db: Db, space: SpaceRow): Promise<TreeDigest | undefined> {
  const digest = new TreeDigest();
  for (let cursor = 0; ;) {
    const begin = performance.now();
    const rows = await changedNodes(db, space, cursor, PAGE);
    for (const row of await alive(db, space, rows)) digest.add(nodeRecord(row));
    if ((await spaceRow(db, space.id)).rev !== space.rev) return undefined;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return digest;
    cursor = last.rev;
    await sleep(performance.now() - begin);
  }
}

async function spaceRow(db: Db, id: string): Promise<SpaceRow> {
  const row = await db
    .selectFrom('spaces')
    .selectAll()
    .where('id', '=', id)
    .where('removed', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw new Refusal('not_found', 'there is no such space');
  return row;
}
