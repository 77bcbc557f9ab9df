import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { WireError } from '../../http/wire.ts';
import { Refusal, STATUS } from '../refusal.ts';

/** The edge: every failure becomes `{code, message}` here, and what is our own fault is logged here, once. */
export async function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const refusal = asRefusal(error);
  if (refusal.code === 'internal' || refusal.code === 'unavailable') {
    request.log.error({ err: error, method: request.method, url: request.url }, 'a call failed');
  }
  if (refusal.retryAfter !== undefined) reply.header('retry-after', refusal.retryAfter);
  if (refusal.code === 'unauthorized') reply.header('www-authenticate', 'Bearer');
  const { code, message } = refusal;
  return reply.code(STATUS[code]).send({ code, message } satisfies WireError);
}

export function answerNotFound(request: FastifyRequest, reply: FastifyReply): void {
  const error: WireError = { code: 'not_found', message: `there is no ${request.method} at this address` };
  reply.code(404).send(error);
}

/** What is no HTTP never becomes a request. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const large = error.code === 'HPE_HEADER_OVERFLOW';
  const code = large ? 'too_large' : 'bad_request';
  const message = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'the request took too long' : 'this is not HTTP';
  const body = JSON.stringify({ code, message } satisfies WireError);
  const head = [
    `HTTP/1.1 ${large ? '413 Payload Too Large' : '400 Bad Request'}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const { statusCode, code, message, validation } = error as Partial<FastifyError>;
  if (validation !== undefined) return new Refusal('bad_request', message ?? 'malformed');
  if (statusCode === 413) return new Refusal('too_large', 'the body is too large');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Refusal('bad_request', message ?? 'malformed');
  }
  if (code === 'ENOSPC' || code === 'SQLITE_FULL' || code === '53100' || code === 'EMFILE') {
    return new Refusal('unavailable', 'the service has no room at the moment', { retryAfter: 60 });
  }
  return new Refusal('internal', 'the service failed; its log says why');
}
