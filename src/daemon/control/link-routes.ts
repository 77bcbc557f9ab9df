import type { FastifyInstance } from 'fastify';
import { contextOf } from './context-of.ts';
import type { Controls } from './controls.ts';
import { LinkBody, UnlinkBody } from './wire.ts';

/** Public links. */
export function addLinkRoutes(app: FastifyInstance, { links }: Controls): void {
  app.get('/links', (request, reply) => links.list(contextOf(request, reply)));
  app.post<{ Body: LinkBody }>('/links', { schema: { body: LinkBody } }, (request, reply) =>
    links.link(request.body, contextOf(request, reply)),
  );
  app.post<{ Body: UnlinkBody }>('/links/remove', { schema: { body: UnlinkBody } }, async (request, reply) => ({
    removed: await links.unlink(request.body, contextOf(request, reply)),
  }));
}
