import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../../vfs/context.ts';

/** A context whose signal aborts when the client disconnects. */
export function contextOf({ raw: { socket } }: FastifyRequest, reply: FastifyReply): Context {
  const controller = new AbortController();
  const gone = (): void => controller.abort();
  socket.once('close', gone);
  reply.raw.once('close', () => socket.off('close', gone));
  return { signal: controller.signal };
}
