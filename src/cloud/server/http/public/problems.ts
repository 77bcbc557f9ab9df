import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WireCode } from '../../../wire-code.ts';
import { asRefusal, answerError } from '../errors.ts';
import { STATUS } from '../../refusal.ts';
import { messagePage } from './html.ts';

const TEXTS: Partial<Record<WireCode, [title: string, text: string]>> = {
  not_found: ['Nothing here', 'There is no such link. It may have expired, or have been removed by its owner.'],
  forbidden: ['Not allowed', 'This link does not allow that, or its password is missing.'],
  quota_exceeded: ['No room', 'The storage of the owner of this link has no room for this.'],
  too_large: ['Too large', 'A file may have at most 10 GiB here.'],
  too_many_requests: ['Too many requests', 'Wait a few minutes and try again.'],
  unavailable: ['Busy', 'Try again in a moment.'],
  damaged: ['Damaged', 'The stored content of this file is damaged.'],
};

/** Turns every failure into a page for browsers, and into `{code, message}` for programs. */
export async function answerVisitor(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  // What was not received of an upload is not waited for.
  if (!request.raw.complete) reply.header('connection', 'close');
  if (!/\btext\/html\b/.test(request.headers.accept ?? '')) return await answerError(error, request, reply);
  const { code, retryAfter } = asRefusal(error);
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  const [title, text] = TEXTS[code] ?? ['It did not work', 'The request could not be carried out.'];
  if (STATUS[code] >= 500) request.log.error({ err: error, method: request.method }, 'a visit of a link failed');
  return reply.code(STATUS[code]).type('text/html; charset=utf-8').send(messagePage(title, text));
}
