import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { contextOf } from './context-of.ts';
import type { Controls } from './controls.ts';
import { copy, list, listBelow, makeFolders, makeSymlink, openFile, resolve, writeFile } from './files.ts';
import { toLines } from './lines.ts';
import { CopyBody, ListQuery, PathQuery, ReadQuery, SymlinkBody, WriteQuery, type Listed } from './file-wire.ts';

/** Adds the routes that list, read and write files in the drive. */
export function addFileRoutes(app: FastifyInstance, controls: Controls): void {
  const { fs, raw } = controls;

  app.get<{ Querystring: PathQuery }>('/stat', { schema: { querystring: PathQuery } }, async (request, reply) => {
    const { path } = request.query;
    const context = contextOf(request, reply);
    return list(fs, await resolve(fs, path, 'stat', context), path, context);
  });

  app.get<{ Querystring: ListQuery }>('/list', { schema: { querystring: ListQuery } }, async (request, reply) => {
    const rows = listBelow(fs, request.query, contextOf(request, reply));
    return reply.type('application/x-ndjson').send(toLines(rows, 'ls'));
  });

  app.get<{ Querystring: ReadQuery }>('/file', { schema: { querystring: ReadQuery } }, async (request, reply) => {
    const context = contextOf(request, reply);
    const { path, version, sealed } = request.query;
    const [file, content] =
      version === undefined
        ? await openFile(sealed === true ? raw : fs, path, context)
        : await controls.readVersion(path, version, context);
    reply.header('x-fjord-file', header(file)).header('content-length', file.size);
    return reply.type('application/octet-stream').send(Readable.from(content, { objectMode: false }));
  });

  app.put<{ Querystring: WriteQuery }>('/file', { schema: { querystring: WriteQuery } }, async (request, reply) => {
    const { path, ...attr } = request.query;
    return writeFile(fs, path, attr, request.body as Readable, contextOf(request, reply));
  });

  app.post<{ Body: PathQuery }>('/folder', { schema: { body: PathQuery } }, async (request, reply) => {
    await makeFolders(fs, request.body.path, contextOf(request, reply));
    return {};
  });

  app.post<{ Body: CopyBody }>('/copy', { schema: { body: CopyBody } }, async (request, reply) =>
    copy(fs, request.body, contextOf(request, reply)),
  );

  app.post<{ Body: SymlinkBody }>('/symlink', { schema: { body: SymlinkBody } }, async (request, reply) => {
    await makeSymlink(fs, request.body.path, request.body.target, contextOf(request, reply));
    return {};
  });
}

/** The file's record in a form that a header can contain; names may have any character. */
function header(file: Listed): string {
  return encodeURIComponent(JSON.stringify(file));
}
