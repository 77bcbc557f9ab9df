import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { FastifyReply } from 'fastify';

/**
 * Responds with one line of JSON per item, page by page, at the client's pace. A failure before the first page is an
 * ordinary error response. A later one breaks the connection, so that the client cannot mistake a part for the whole.
 * @param accepted the client's `Accept-Encoding`, where a compressed response is worth it
 */
export async function sendNdjson(
  reply: FastifyReply,
  pages: AsyncGenerator<readonly unknown[]>,
  accepted?: string,
): Promise<FastifyReply> {
  const first = await pages.next();
  const lines = Readable.from(join(first, pages), { objectMode: true, highWaterMark: 1 });
  reply.type('application/x-ndjson');
  if (accepted === undefined || !/\bgzip\b/.test(accepted)) return reply.send(lines);
  // A failure destroys the compressed stream, too, which breaks the connection.
  const compressed = pipeline(lines, createGzip({ level: 1 }), () => undefined);
  return reply.headers({ 'content-encoding': 'gzip', vary: 'accept-encoding' }).send(compressed);
}

async function* join(
  first: IteratorResult<readonly unknown[]>,
  rest: AsyncGenerator<readonly unknown[]>,
): AsyncGenerator<Buffer> {
  if (first.done === true) return;
  yield encode(first.value);
  for await (const page of rest) yield encode(page);
}

function encode(page: readonly unknown[]): Buffer {
  return Buffer.from(page.map((item) => `${JSON.stringify(item)}\n`).join(''));
}
