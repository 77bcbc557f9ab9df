import type { FastifyInstance } from 'fastify';
import { listFolder, locate, openFolder } from '../meta/folders.ts';
import { sendNdjson } from './ndjson.ts';
import type { Parts } from './parts.ts';

interface Target {
  Params: { id: string };
}

export function nodeRoutes(app: FastifyInstance, { meta }: Parts): void {
  app.get<Target>('/v1/nodes/:id', async ({ caller, params }) => locate(meta.db, caller, params.id));

  app.get<Target>('/v1/nodes/:id/children', async ({ caller, params: { id }, headers }, reply) => {
    const { rev } = await openFolder(meta.db, caller, id);
    return await sendNdjson(reply.header('fjord-revision', rev), listFolder(meta.db, id), headers['accept-encoding']);
  });
}
