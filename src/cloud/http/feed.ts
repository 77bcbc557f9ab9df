import { Compile } from 'typebox/compile';
import type { Context } from '../../vfs/context.ts';
import type { BadRecord } from '../remote.ts';
import { BrokenResponse } from './errors.ts';
import { compile } from './compile.ts';
import type { Call, Http } from './http-client.ts';
import { checked } from './shape.ts';
import { readNdjson } from './ndjson.ts';
import { CursorSchema, Id, NodeSchema, RewoundSchema } from './wire.ts';
import type { Cursor, Mark, NodeRecord, Rewound } from '../records.ts';

const node = compile(NodeSchema);
const cursor = compile(CursorSchema);
const rewound = compile(RewoundSchema);
const id = Compile(Id);

/** An item of a feed page or a snapshot. */
export type FeedItem = NodeRecord | BadRecord | Cursor;
export type SnapshotItem = FeedItem | Rewound;

/** A line that is not JSON, or too long. */
class Unreadable {
  readonly fault: string;

  constructor(fault: string) {
    this.fault = fault;
  }
}

/**
 * Reads the feeds and snapshots of a cloud. An invalid record may have been damaged in transit, so the response is
 * requested once more. A record that is still invalid is passed on as a `BadRecord`, and valid ones as they are.
 */
export class FeedReader {
  readonly #http: Http;
  /** Requests whose last response had a bad record. */
  readonly #doubted = new Set<string>();

  constructor(http: Http) {
    this.#http = http;
  }

  /**
   * Yields all nodes, then a cursor. Retried until the first item has arrived. If the connection breaks later, it
   * throws `EAGAIN`, and the caller must start over, as a snapshot cannot be resumed.
   */
  async *snapshot(
    space: string,
    context: Context,
    marks: readonly Mark[] = [],
    buckets?: readonly number[],
  ): AsyncGenerator<SnapshotItem> {
    const query = [
      ...(marks.length === 0 ? [] : [listed(marks)]),
      ...(buckets === undefined ? [] : [`buckets=${Buffer.from(buckets).toString('hex')}`]),
    ].join('&');
    const path = `/v1/spaces/${encodeURIComponent(space)}/snapshot${query === '' ? '' : `?${query}`}`;
    const call = { op: 'snapshot', subject: space, method: 'GET', path } as const;
    const tries = this.#http.tries(call, context);
    let begun = false;
    for (;;) {
      try {
        for await (const item of this.#read(call, context)) {
          begun = true;
          yield item;
        }
        return;
      } catch (error) {
        if (begun) throw this.#http.failure(error, call, context);
        await tries.next(error);
      }
    }
  }

  /**
   * Yields the nodes changed after `since`, then a cursor. After a broken connection it continues after the last
   * received revision.
   */
  async *feed(space: string, since: number, context: Context, marks: readonly Mark[] = []): AsyncGenerator<FeedItem> {
    const about = { op: 'feed', subject: space };
    const tries = this.#http.tries(about, context);
    const more = marks.length === 0 ? '' : `&${listed(marks)}`;
    for (let from = since; ;) {
      const path = `/v1/spaces/${encodeURIComponent(space)}/feed?since=${from}${more}`;
      try {
        for await (const item of this.#read({ ...about, method: 'GET', path }, context)) {
          if ('rewound' in item) continue;
          if ('more' in item && item.more && item.cursor <= since)
            throw new BrokenResponse('the feed of the cloud makes no progress');
          if ('rev' in item && item.rev > from) {
            from = item.rev;
            tries.progress();
          }
          yield item;
        }
        return;
      } catch (error) {
        await tries.next(error);
      }
    }
  }

  async *#read(call: Call, context: Context): AsyncGenerator<SnapshotItem> {
    const key = `${call.op} ${call.subject ?? ''}`;
    const body = await this.#http.open(call, context);
    let ended = false;
    for await (const values of readNdjson(body, (fault) => new Unreadable(fault))) {
      for (const value of values) {
        if (ended) throw new BrokenResponse('the cloud sent records after the cursor');
        const item = itemOf(value);
        if ('fault' in item) this.#doubt(key, item);
        ended = 'cursor' in item;
        yield item;
      }
    }
    if (!ended)
      throw new BrokenResponse("the cloud's response ends without a cursor", { temporary: true, code: 'EAGAIN' });
    this.#doubted.delete(key);
  }

  #doubt(key: string, { fault }: BadRecord): void {
    if (this.#doubted.has(key)) return;
    this.#doubted.add(key);
    throw new BrokenResponse(`a record from the cloud is invalid: ${fault}`, { temporary: true, code: 'EAGAIN' });
  }
}

function itemOf(value: unknown): SnapshotItem {
  if (value instanceof Unreadable) return { fault: value.fault };
  if (typeof value === 'object' && value !== null && 'cursor' in value && !('id' in value))
    return checked(cursor, value);
  if (rewound.has(value) && !('id' in value)) return value;
  return node.has(value) ? value : badRecord(value);
}

function listed(marks: readonly Mark[]): string {
  return `marks=${marks.map(({ rev, stamp }) => `${rev}.${stamp}`).join(',')}`;
}

function badRecord(value: unknown): BadRecord {
  const parts = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const name = parts['name'];
  return {
    fault: node.fault(value),
    ...(id.Check(parts['id']) ? { node: parts['id'] } : {}),
    ...(typeof name === 'string' ? { name: name.slice(0, 255) } : {}),
  };
}
