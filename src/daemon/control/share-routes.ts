import type { FastifyInstance } from 'fastify';
import { contextOf } from './context-of.ts';
import type { Controls } from './controls.ts';
import { AcceptBody, LeaveBody, RevokeBody, ShareBody } from './wire.ts';

/** Shared folders. */
export function addShareRoutes(app: FastifyInstance, { shares }: Controls): void {
  app.get('/shares', (request, reply) => shares.list(contextOf(request, reply)));
  app.post<{ Body: ShareBody }>('/shares', { schema: { body: ShareBody } }, (request, reply) =>
    shares.share(request.body, contextOf(request, reply)),
  );
  app.post<{ Body: AcceptBody }>('/shares/accept', { schema: { body: AcceptBody } }, (request, reply) =>
    shares.accept(request.body, contextOf(request, reply)),
  );
  app.post<{ Body: AcceptBody }>('/shares/decline', { schema: { body: AcceptBody } }, async (request, reply) => {
    await shares.decline(request.body, contextOf(request, reply));
    return {};
  });
  app.post<{ Body: LeaveBody }>('/shares/leave', { schema: { body: LeaveBody } }, async (request, reply) => {
    await shares.leave(request.body, contextOf(request, reply));
    return {};
  });
  app.post<{ Body: RevokeBody }>('/shares/revoke', { schema: { body: RevokeBody } }, async (request, reply) => {
    await shares.revoke(request.body, contextOf(request, reply));
    return {};
  });
}
