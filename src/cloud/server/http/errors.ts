import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { WireError } from '../../http/wire.ts';
import { Refusal, STATUS } from '../refusal.ts';

/**
 * Turns every failure into `{code, message}`, and logs those that are the service's own fault. No other code does
 * either.
 */
export async function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const refusal = asRefusal(error);
  if (refusal.code === 'internal' || refusal.code === 'unavailable') {
    request.log.error({ err: error, method: request.method, url: request.url }, 'a request failed');
  }
  if (refusal.retryAfter !== undefined) reply.header('retry-after', refusal.retryAfter);
  if (refusal.code === 'unauthorized') reply.header('www-authenticate', 'Bearer');
  const { code, message } = refusal;
  return reply.code(STATUS[code]).send({ code, message } satisfies WireError);
}

export function answerNotFound(request: FastifyRequest, reply: FastifyReply): void {
  const error: WireError = {
    code: 'not_found',
    message: `there is no ${request.method} ${request.url.split('?')[0]}; see docs/api.md`,
  };
  reply.code(404).send(error);
}

/** Responds to input that is not valid HTTP, for which there is no request object. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const large = error.code === 'HPE_HEADER_OVERFLOW';
  const code = large ? 'too_large' : 'bad_request';
  const message =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'the request took too long; send it again'
      : 'the request is not valid HTTP';
  const body = JSON.stringify({ code, message } satisfies WireError);
  const head = [
    `HTTP/1.1 ${large ? '413 Payload Too Large' : '400 Bad Request'}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** What a failure is called on the wire. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const { statusCode, code, message, validation } = error as Partial<FastifyError>;
  if (validation !== undefined) return new Refusal('bad_request', message ?? 'malformed');
  if (statusCode === 413) return new Refusal('too_large', 'the body is too large');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Refusal('bad_request', message ?? 'malformed');
  }
  if (code === 'ENOSPC' || code === 'SQLITE_FULL' || code === '53100' || code === 'EMFILE') {
    return new Refusal('unavailable', "the service's disk is full; try again later", { retryAfter: 60 });
  }
  return new Refusal('internal', 'the service failed; its log has the cause');
}
