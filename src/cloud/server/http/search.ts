import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { Parts } from './parts.ts';

const Query = Type.Object({ q: Type.String({ minLength: 1, maxLength: 255 }) });

export function searchRoutes(app: FastifyInstance, { search }: Parts): void {
  app.get('/v1/search', { schema: { querystring: Query } }, async ({ caller, query }) =>
    search.find(caller, (query as Static<typeof Query>).q),
  );
}
