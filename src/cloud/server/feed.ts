import { bucketOf } from '../tree-digest.ts';
import { changedNodes } from './meta/node-pages.ts';
import { alive } from './meta/liveness.ts';
import type { Cursor, Mark, NodeRecord, Rewound } from '../records.ts';
import { departuresAfter } from './meta/departures.ts';
import { nodeRecord } from './meta/records.ts';
import type { Db, SpaceRow } from './meta/schema.ts';
import { judgeMarks, stampOf } from './meta/stamps.ts';
import { Refusal } from './refusal.ts';

/** Nodes read by one query. */
const PAGE = 1000;
/** Most nodes in one response of the feed; the client requests more with the returned cursor. */
const MOST = 50_000;

/**
 * Yields the nodes changed after the revision `since`, tombstones included, by ascending revision, then a cursor. The
 * next page is read when the consumer asks for it. For a node that has moved to one of `spaces`, the tombstone says where
 * it is now.
 * @throws cursor_expired, before the first page
 */
export async function* feed(
  db: Db,
  space: SpaceRow,
  since: number,
  marks: readonly Mark[] = [],
  spaces: ReadonlySet<string> = new Set(),
): AsyncGenerator<(NodeRecord | Cursor)[]> {
  if ((await judgeMarks(db, space, marks)) !== 'known') {
    throw new Refusal('cursor_expired', "a mark is not part of this cloud's history; take a snapshot");
  }
  if (since < space.floor)
    throw new Refusal('cursor_expired', 'the changes after this cursor are no longer kept; take a snapshot');
  if (since > space.rev)
    throw new Refusal('cursor_expired', "the cursor is not part of this cloud's history; take a snapshot");
  let cursor = since;
  let left = MOST;
  while (left > 0) {
    const records = await changesAfter(db, space, cursor, spaces);
    const last = records.at(-1);
    if (last === undefined) {
      yield [await cursorAt(db, space, space.rev, false)];
      return;
    }
    yield records;
    cursor = last.rev;
    left -= records.length;
  }
  yield [await cursorAt(db, space, cursor, true)];
}

/**
 * Yields the live nodes of a space, then a cursor. If a mark is not part of this cloud's history, the first item says
 * so, and all known nodes follow, those that are not live as removed, so that the caller can distinguish what was
 * removed from what was lost. A node that changes during the snapshot gets a revision after the cursor, so it is in the
 * feed if it is not in the snapshot. With `buckets`, only nodes in these.
 */
export async function* snapshot(
  db: Db,
  space: SpaceRow,
  marks: readonly Mark[] = [],
  buckets?: ReadonlySet<number>,
): AsyncGenerator<(NodeRecord | Cursor | Rewound)[]> {
  const rewound = (await judgeMarks(db, space, marks)) === 'rewound';
  if (rewound) yield [{ rewound: true }];
  let cursor = 0;
  for (;;) {
    const rows = await changedNodes(db, space, cursor, PAGE);
    const last = rows.at(-1);
    if (last === undefined) break;
    const wanted = buckets === undefined || rewound ? rows : rows.filter(({ id }) => buckets.has(bucketOf(id)));
    const live = await alive(db, space, wanted);
    if (rewound) yield rows.map((row) => ({ ...nodeRecord(row), removed: !live.includes(row) }));
    else if (live.length > 0) yield live.map(nodeRecord);
    cursor = last.rev;
  }
  if (rewound) yield await departuresAfter(db, space, 0, Number.MAX_SAFE_INTEGER, new Set());
  yield [await cursorAt(db, space, space.rev, false)];
}

/** The next nodes that have changed, or have left the space. */
async function changesAfter(
  db: Db,
  space: SpaceRow,
  after: number,
  spaces: ReadonlySet<string>,
): Promise<NodeRecord[]> {
  const rows = (await changedNodes(db, space, after, PAGE)).map(nodeRecord);
  const gone = await departuresAfter(db, space, after, PAGE, spaces);
  if (gone.length === 0) return rows;
  return [...rows, ...gone].sort((a, b) => a.rev - b.rev).slice(0, PAGE);
}

async function cursorAt(db: Db, { id }: SpaceRow, cursor: number, more: boolean): Promise<Cursor> {
  const stamp = await stampOf(db, id, cursor);
  return { cursor, more, ...(stamp === undefined || stamp === '' ? {} : { stamp }) };
}
