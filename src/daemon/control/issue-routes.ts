import type { FastifyInstance } from 'fastify';
import { contextOf } from './context-of.ts';
import type { Controls } from './controls.ts';
import { ResolveBody } from './wire.ts';

/** Everything that needs a person. */
export function addIssueRoutes(app: FastifyInstance, { issues }: Controls): void {
  app.get('/issues', (request, reply) => issues.list(contextOf(request, reply)));
  app.post<{ Body: ResolveBody }>('/issues/resolve', { schema: { body: ResolveBody } }, async (request, reply) => {
    await issues.resolve(request.body, contextOf(request, reply));
    return {};
  });
}
