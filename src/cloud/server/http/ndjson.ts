import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/**
 * Answers with one line of JSON for each item, a page at a time, as fast as the caller reads. What fails before the
 * first page is an ordinary error; what fails later breaks the connection, so that nobody takes a part for the whole.
 */
export async function sendNdjson(
  reply: FastifyReply,
  pages: AsyncGenerator<readonly unknown[]>,
): Promise<FastifyReply> {
  const first = await pages.next();
  const lines = Readable.from(join(first, pages), { objectMode: true, highWaterMark: 1 });
  return reply.type('application/x-ndjson').send(lines);
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
