import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { Cursor, Mark, NodeRecord } from '../../records.ts';
import { feed, snapshot } from '../feed.ts';
import { withRemovers } from '../meta/removers.ts';
import type { Db } from '../meta/schema.ts';
import { pastOf } from '../meta/past.ts';
import { findSpace, listSpaces } from '../meta/spaces.ts';
import { sendNdjson } from './ndjson.ts';
import type { Parts } from './parts.ts';

/** Up to sixteen marks, `REV.STAMP`, separated by commas. */
const Marks = Type.Optional(Type.String({ pattern: '^([0-9]{1,15}\\.[A-Za-z0-9_-]{1,64}(,(?!$)|$)){1,16}$' }));
const Since = Type.Object({ since: Type.String({ pattern: '^[0-9]{1,15}$' }), marks: Marks });
/** Numbers of buckets in hex, two digits each. */
const Buckets = Type.Optional(Type.String({ pattern: '^([0-9a-f]{2}){1,256}$' }));
const Whole = Type.Object({ marks: Marks, buckets: Buckets });

export function feedRoutes(app: FastifyInstance, { meta, digests }: Parts): void {
  app.get<{ Params: { id: string } }>(
    '/v1/spaces/:id/snapshot',
    { schema: { querystring: Whole } },
    async ({ caller, params, query }, reply) => {
      const space = await findSpace(meta.db, caller.account, params.id);
      const { marks, buckets } = query as Static<typeof Whole>;
      const wanted = buckets === undefined ? undefined : new Set(Buffer.from(buckets, 'hex'));
      return await sendNdjson(reply, snapshot(meta.db, space, marksOf({ marks }), wanted));
    },
  );

  app.get<{ Params: { id: string } }>('/v1/spaces/:id/digest', async ({ caller, params }) =>
    digests.of(await findSpace(meta.db, caller.account, params.id)),
  );

  app.get<{ Params: { id: string } }>('/v1/spaces/:id/past', async ({ caller, params }, reply) =>
    sendNdjson(reply, pastOf(meta.db, await findSpace(meta.db, caller.account, params.id))),
  );

  app.get<{ Params: { id: string } }>(
    '/v1/spaces/:id/feed',
    { schema: { querystring: Since } },
    async ({ caller, params, query }, reply) => {
      const { since, marks } = query as Static<typeof Since>;
      const space = await findSpace(meta.db, caller.account, params.id);
      const spaces = new Set((await listSpaces(meta.db, caller)).map(({ id }) => id));
      const pages = feed(meta.db, space, Number(since), marksOf({ marks }), spaces);
      return await sendNdjson(reply, withNames(meta.db, caller.account, pages));
    },
  );
}

/** Says of what was removed who has done it. */
async function* withNames(
  db: Db,
  account: string,
  pages: AsyncIterable<(NodeRecord | Cursor)[]>,
): AsyncGenerator<(NodeRecord | Cursor)[]> {
  for await (const page of pages) {
    yield await withRemovers(db, account, page, (item) => ('id' in item ? item : undefined));
  }
}

function marksOf({ marks }: { readonly marks?: string | undefined }): Mark[] {
  return (marks ?? '').split(',').flatMap((mark) => {
    const [rev, stamp] = mark.split('.');
    return stamp === undefined ? [] : [{ rev: Number(rev), stamp }];
  });
}
