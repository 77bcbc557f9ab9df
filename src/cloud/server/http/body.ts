import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Parts that are being written to the connection at a time: two blocks with their headers. */
const UNDER_WAY = 4;

/** A body whose first part is there. */
export interface Body {
  readonly first: IteratorResult<Uint8Array>;
  readonly rest: AsyncGenerator<Uint8Array>;
}

/** What fails before the first part is an ordinary error, refused with a status. */
export async function begun(parts: AsyncGenerator<Uint8Array>): Promise<Body> {
  return { first: await parts.next(), rest: parts };
}

/**
 * Sends a body as fast as the client reads it. What fails now breaks the connection before the announced end.
 * @param sent is called for each part when its bytes are no longer read, so that its memory can be used again
 */
export function sendBody(reply: FastifyReply, body: Body, sent: (part: Uint8Array) => void): FastifyReply {
  reply.hijack();
  const response = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) response.setHeader(name, value);
  void write(response.writeHead(reply.statusCode), body, sent);
  return reply;
}

/** Never rejects. */
async function write(response: ServerResponse, { first, rest }: Body, sent: (part: Uint8Array) => void): Promise<void> {
  const stop = new AbortController();
  // A write to a client that is gone may never be called back.
  const closed = once(response, 'close', { signal: stop.signal }).then(() => Promise.reject(new Error('closed')));
  closed.catch(() => undefined);
  const pending: Promise<void>[] = [];
  try {
    for (let part = first; part.done !== true; part = await rest.next()) {
      const { value } = part;
      const written = writePart(response, value).then(() => sent(value));
      written.catch(() => undefined);
      pending.push(written);
      while (pending.length >= UNDER_WAY) await Promise.race([pending.shift(), closed]);
    }
    response.end();
  } catch {
    response.destroy();
  } finally {
    stop.abort();
    await rest.return(undefined).catch(() => undefined);
  }
}

async function writePart(response: ServerResponse, part: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    response.write(part, (error) => (error ? reject(error) : resolve()));
  });
}
