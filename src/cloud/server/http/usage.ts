import type { FastifyInstance } from 'fastify';
import { usageOf } from '../meta/usage.ts';
import type { Parts } from './parts.ts';

export function usageRoutes(app: FastifyInstance, { meta }: Parts): void {
  app.get('/v1/usage', async ({ caller }) => usageOf(meta.db, caller.account));
}
