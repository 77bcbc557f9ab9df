import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseRange } from '../../../vfs/byte-range.ts';
import type { BlockReader } from '../blocks/block-reader.ts';
import { contentOf } from '../blocks/reading.ts';
import { nameOf } from '../meta/history.ts';
import { readableVersion } from '../meta/versions.ts';
import { begun, sendBody } from './body.ts';
import { downloadHeaders } from './download-headers.ts';
import { passiveType } from './media-type.ts';
import type { Parts } from './parts.ts';

type NamedVersion = Awaited<ReturnType<typeof readableVersion>> & {
  /** Under which it is saved, and whose extension gives the type. */
  readonly name: string | undefined;
};

export function contentRoutes(app: FastifyInstance, { meta, reader }: Parts): void {
  app.get<{ Params: { id: string } }>('/v1/versions/:id/blocks', async ({ caller, params }, reply) => {
    const { manifest } = await readableVersion(meta.db, caller.account, params.id);
    return reply
      .type('application/octet-stream')
      .send(Buffer.from(manifest.buffer, manifest.byteOffset, manifest.length));
  });

  app.route<{ Params: { id: string } }>({
    method: ['GET', 'HEAD'],
    url: '/v1/versions/:id/content',
    handler: async (request, reply) => {
      const version = await readableVersion(meta.db, request.caller.account, request.params.id);
      const name = await nameOf(meta.db, version.node);
      return serveVersion(reader, { ...version, name }, request, reply);
    },
  });
}

/**
 * Serves a version as a plain HTTP resource, to be downloaded, with one range, If-None-Match and If-Range; its hash is the strong ETag.
 * @param guard passes the content on, and may end it
 */
export async function serveVersion(
  reader: BlockReader,
  version: NamedVersion,
  request: FastifyRequest,
  reply: FastifyReply,
  guard: (content: AsyncGenerator<Uint8Array>) => AsyncGenerator<Uint8Array> = (content) => content,
): Promise<FastifyReply> {
  const etag = `"${version.hash}"`;
  reply.headers(downloadHeaders(version.name));
  reply.headers({ 'accept-ranges': 'bytes', etag, 'last-modified': new Date(version.mtime).toUTCString() });
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send();
  const condition = request.headers['if-range'];
  const ranges =
    condition === undefined || condition === etag
      ? parseRange(request.headers.range ?? '', version.size, 1)
      : undefined;
  if (ranges?.length === 0) {
    const error = { code: 'bad_request', message: 'the range is outside the content' };
    return reply.code(416).header('content-range', `bytes */${version.size}`).send(error);
  }
  const part = ranges?.[0] ?? { start: 0, end: version.size - 1 };
  const isHead = request.method === 'HEAD';
  const body = isHead ? undefined : await begun(guard(contentOf(reader, version, part)));
  if (ranges !== undefined) {
    reply.code(206).header('content-range', `bytes ${part.start}-${part.end}/${version.size}`);
  }
  reply.type(passiveType(version.name)).header('content-length', part.end - part.start + 1);
  return body === undefined ? reply.send() : sendBody(reply, body, (sent) => reader.release(sent));
}

function matches(header: string | undefined, etag: string): boolean {
  return (
    header?.split(',').some((tag) => tag.trim() === etag || tag.trim() === `W/${etag}` || tag.trim() === '*') ?? false
  );
}
