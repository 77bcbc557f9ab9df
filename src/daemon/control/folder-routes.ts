import type { FastifyInstance } from 'fastify';
import { contextOf } from './context-of.ts';
import type { Controls } from './controls.ts';
import { FolderAddBody, FolderBody } from './wire.ts';

/** Local folders that are synced. */
export function addFolderRoutes(app: FastifyInstance, { folders }: Controls): void {
  app.get('/folders', () => folders.list());
  app.post<{ Body: FolderAddBody }>('/folders', { schema: { body: FolderAddBody } }, (request, reply) =>
    folders.add(request.body, contextOf(request, reply)),
  );
  for (const what of ['remove', 'pause', 'resume'] as const) {
    app.post<{ Body: FolderBody }>(`/folders/${what}`, { schema: { body: FolderBody } }, async ({ body }) => {
      await folders[what](body);
      return {};
    });
  }
}
