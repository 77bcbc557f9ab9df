import type { Context } from '../../vfs/context.ts';
import { BrokenAnswer } from './errors.ts';
import { checked, compile, type Call, type Http } from './http-client.ts';
import { readNdjson } from './ndjson.ts';
import { CursorSchema, NodeSchema, type Cursor, type NodeRecord } from './wire.ts';

const node = compile(NodeSchema);
const cursor = compile(CursorSchema);

/**
 * Nodes, then one cursor. Tried again until the first of them has come; a later cut throws `EAGAIN`, and the caller
 * starts over, because a snapshot has no place to go on from.
 */
export async function* readRecords(http: Http, call: Call, context: Context): AsyncGenerator<NodeRecord | Cursor> {
  const tries = http.tries(call, context);
  let begun = false;
  for (;;) {
    try {
      for await (const record of records(http, call, context)) {
        begun = true;
        yield record;
      }
      return;
    } catch (error) {
      if (begun) throw http.failure(error, call, context);
      await tries.next(error);
    }
  }
}

/** As `readRecords`, but a feed that was cut goes on after the last revision that came. */
export async function* readFeed(
  http: Http,
  space: string,
  since: number,
  context: Context,
): AsyncGenerator<NodeRecord | Cursor> {
  const about = { op: 'feed', subject: space };
  const tries = http.tries(about, context);
  for (let from = since; ;) {
    const path = `/v1/spaces/${encodeURIComponent(space)}/feed?since=${from}`;
    try {
      for await (const record of records(http, { ...about, method: 'GET', path }, context)) {
        if ('rev' in record) from = record.rev;
        tries.progress();
        yield record;
      }
      return;
    } catch (error) {
      await tries.next(error);
    }
  }
}

async function* records(http: Http, call: Call, context: Context): AsyncGenerator<NodeRecord | Cursor> {
  const body = await http.open(call, context);
  let ended = false;
  for await (const values of readNdjson(body)) {
    for (const value of values) {
      if (ended) throw new BrokenAnswer('records after the cursor');
      const record = read(value);
      ended = 'cursor' in record;
      yield record;
    }
  }
  if (!ended) throw new BrokenAnswer('the answer ends without a cursor', { temporary: true, code: 'EAGAIN' });
}

function read(value: unknown): NodeRecord | Cursor {
  const isCursor = typeof value === 'object' && value !== null && 'cursor' in value;
  return isCursor ? checked(cursor, value) : checked(node, value);
}
