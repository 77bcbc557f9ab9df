import type { FastifyInstance } from 'fastify';
import { listFolder, locate } from '../meta/folders.ts';
import { sendNdjson } from './ndjson.ts';
import type { Parts } from './parts.ts';

interface Target {
  Params: { id: string };
}

export function nodeRoutes(app: FastifyInstance, { meta }: Parts): void {
  app.get<Target>('/v1/nodes/:id', async ({ caller, params }) => locate(meta.db, caller, params.id));

  app.get<Target>('/v1/nodes/:id/children', async (request, reply) =>
    sendNdjson(reply, listFolder(meta.db, request.caller, request.params.id), request.headers['accept-encoding']),
  );
}
