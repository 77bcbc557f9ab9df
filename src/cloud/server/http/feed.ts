import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { feed, snapshot } from '../feed.ts';
import { findSpace } from '../meta/spaces.ts';
import { sendNdjson } from './ndjson.ts';
import type { Parts } from './parts.ts';

const Since = Type.Object({ since: Type.String({ pattern: '^[0-9]{1,15}$' }) });

export function feedRoutes(app: FastifyInstance, { meta }: Parts): void {
  app.get<{ Params: { id: string } }>('/v1/spaces/:id/snapshot', async ({ caller, params }, reply) => {
    const space = await findSpace(meta.db, caller.account, params.id);
    return await sendNdjson(reply, snapshot(meta.db, space));
  });

  app.get<{ Params: { id: string } }>(
    '/v1/spaces/:id/feed',
    { schema: { querystring: Since } },
    async ({ caller, params, query }, reply) => {
      const { since } = query as Static<typeof Since>;
      const space = await findSpace(meta.db, caller.account, params.id);
      return await sendNdjson(reply, feed(meta.db, space, Number(since)));
    },
  );
}
