import type { FastifyInstance } from 'fastify';
import { listVersions, restoreVersion } from '../meta/history.ts';
import { nodeRecord } from '../meta/records.ts';
import type { Parts } from './parts.ts';

export function versionRoutes(app: FastifyInstance, { meta }: Parts): void {
  app.get<{ Params: { id: string } }>('/v1/nodes/:id/versions', async ({ caller, params }) => ({
    versions: await listVersions(meta.db, caller.account, params.id),
  }));

  app.post<{ Params: { id: string; version: string } }>(
    '/v1/nodes/:id/versions/:version/restore',
    async ({ caller, params }) =>
      nodeRecord(
        await meta.transaction(caller, async (transaction) => restoreVersion(transaction, params.id, params.version)),
      ),
  );
}
