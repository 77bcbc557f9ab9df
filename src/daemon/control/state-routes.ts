import type { FastifyInstance, FastifyReply } from 'fastify';
import { contextOf } from './context-of.ts';
import type { Controls } from './controls.ts';
import { addIssueRoutes } from './issue-routes.ts';
import { addPinRoutes } from './pin-routes.ts';
import { addLinkRoutes } from './link-routes.ts';
import { addFolderRoutes } from './folder-routes.ts';
import { addShareRoutes } from './share-routes.ts';
import { toLines } from './lines.ts';
import { watchProgress } from './watch-progress.ts';
import { ArchiveRemoveBody, PathQuery, PurgeBody, RestoreBody, TrashBody, TrashFilterBody } from './file-wire.ts';
import {
  BackupBody,
  BackupEditBody,
  BackupName,
  BackupPauseBody,
  BackupRemoveBody,
  BackupRestoreBody,
  BackupRunBody,
  BackupVerifyBody,
  DownBody,
  LimitsBody,
  MountBody,
  UnmountBody,
  type Leaving,
  type Progress,
} from './wire.ts';

/** Adds all other routes: status, history, uploads, backups, mounting and stopping. */
export function addStateRoutes(app: FastifyInstance, controls: Controls): void {
  addHistoryRoutes(app, controls);
  addUploadRoutes(app, controls);
  addBackupRoutes(app, controls);
  addMountRoutes(app, controls);
  addShareRoutes(app, controls);
  addFolderRoutes(app, controls);
  addPinRoutes(app, controls);
  addLinkRoutes(app, controls);
  addIssueRoutes(app, controls);
  app.get('/limits', () => controls.limits());
  app.post<{ Body: LimitsBody }>('/limits', { schema: { body: LimitsBody } }, ({ body }) => controls.setLimits(body));
  app.get('/status', () => controls.status());
  app.get('/alive', () => ({}));
  app.post('/page', () => ({ link: controls.openPage() }));
  app.post<{ Body: ArchiveRemoveBody }>(
    '/archive/remove',
    { schema: { body: ArchiveRemoveBody } },
    async (request, reply) => {
      await controls.removeArchived(request.body, contextOf(request, reply));
      return {};
    },
  );
}

function addMountRoutes(app: FastifyInstance, controls: Controls): void {
  app.post<{ Body: MountBody }>('/mount', { schema: { body: MountBody } }, async ({ body }) => ({
    dir: await controls.mount(body),
  }));
  app.post<{ Body: UnmountBody }>('/unmount', { schema: { body: UnmountBody } }, async ({ body }) => ({
    dir: await controls.unmount(body.lazy),
  }));
}

function addHistoryRoutes(app: FastifyInstance, controls: Controls): void {
  app.get<{ Querystring: PathQuery }>('/versions', { schema: { querystring: PathQuery } }, (request, reply) =>
    controls.versions(request.query.path, contextOf(request, reply)),
  );
  app.post<{ Body: RestoreBody }>('/restore', { schema: { body: RestoreBody } }, async (request, reply) => {
    await controls.restore(request.body, contextOf(request, reply));
    return {};
  });
  app.get('/trash', (request, reply) => sendLines(reply, controls.trash(contextOf(request, reply)), 'trash'));
  app.post<{ Body: TrashBody }>('/trash/restore', { schema: { body: TrashBody } }, async (request, reply) => {
    await controls.restoreTrash(request.body.node, contextOf(request, reply));
    return {};
  });
  app.post<{ Body: TrashFilterBody }>(
    '/trash/restore-removed',
    { schema: { body: TrashFilterBody } },
    async (request, reply) => controls.restoreRemoved(request.body, contextOf(request, reply)),
  );
  app.post<{ Body: PurgeBody }>('/trash/purge', { schema: { body: PurgeBody } }, async (request, reply) => {
    await controls.purgeTrash(request.body, contextOf(request, reply));
    return {};
  });
}

function addUploadRoutes(app: FastifyInstance, controls: Controls): void {
  app.get('/conflicts', () => controls.conflicts());
  app.post('/retry', () => ({ retried: controls.retry() }));
  app.post('/verify', () => controls.verify());
  app.post('/confirm', () => ({ confirmed: controls.confirm() }));
  app.post<{ Body: PathQuery }>('/flush', { schema: { body: PathQuery } }, (request, reply) => {
    const context = contextOf(request, reply);
    const progress = watchProgress((report) => controls.flush(request.body.path, report, context));
    return sendLines(reply, progress, 'flush');
  });
  app.post<{ Body: DownBody }>('/down', { schema: { body: DownBody } }, (request, reply) => {
    const context = contextOf(request, reply);
    const progress = watchProgress(async (report) => {
      if (request.body.drain) await controls.flush('/', report, context);
    });
    return sendLines(reply, leave(controls, progress), 'down');
  });
}

async function* leave(controls: Controls, progress: AsyncIterable<Progress>): AsyncGenerator<Progress | Leaving> {
  yield* progress;
  const { queued } = await controls.status();
  yield { leaving: controls.leave(), queued };
}

function addBackupRoutes(app: FastifyInstance, controls: Controls): void {
  app.get('/backups', () => controls.backups.list());
  app.post<{ Body: BackupBody }>('/backups', { schema: { body: BackupBody } }, (request) =>
    controls.backups.add(request.body),
  );
  app.post<{ Body: BackupEditBody }>('/backups/edit', { schema: { body: BackupEditBody } }, (request) =>
    controls.backups.edit(request.body),
  );
  app.post<{ Body: BackupRemoveBody }>(
    '/backups/remove',
    { schema: { body: BackupRemoveBody } },
    async (request, reply) => {
      await controls.backups.remove(request.body, contextOf(request, reply));
      return {};
    },
  );
  app.post<{ Body: BackupRunBody }>('/backups/start', { schema: { body: BackupRunBody } }, (request) => {
    controls.backups.start(request.body);
    return {};
  });
  app.post<{ Body: BackupRunBody }>('/backups/run', { schema: { body: BackupRunBody } }, (request, reply) => {
    const context = contextOf(request, reply);
    const progress = watchProgress((onProgress) => controls.backups.run(request.body, onProgress, context));
    return sendLines(reply, progress, 'backup');
  });
  app.post<{ Body: BackupPauseBody }>('/backups/pause', { schema: { body: BackupPauseBody } }, async ({ body }) => {
    await controls.backups.pause(body);
    return {};
  });
  app.post<{ Body: BackupPauseBody }>('/backups/resume', { schema: { body: BackupPauseBody } }, async ({ body }) => {
    await controls.backups.resume(body);
    return {};
  });
  app.post<{ Body: BackupVerifyBody }>('/backups/verify', { schema: { body: BackupVerifyBody } }, (request, reply) =>
    sendLines(reply, controls.backups.verify(request.body, contextOf(request, reply)), 'verify'),
  );
  app.post<{ Body: BackupRestoreBody }>('/backups/restore', { schema: { body: BackupRestoreBody } }, (request, reply) =>
    sendLines(reply, controls.backups.restore(request.body, contextOf(request, reply)), 'restore'),
  );
  app.get<{ Querystring: BackupName }>('/backups/log', { schema: { querystring: BackupName } }, (request, reply) =>
    sendLines(reply, controls.backups.log(request.query.name, contextOf(request, reply)), 'backup'),
  );
}

function sendLines(reply: FastifyReply, values: AsyncIterable<unknown>, op: string): FastifyReply {
  return reply.type('application/x-ndjson').send(toLines(values, op));
}
