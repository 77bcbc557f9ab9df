import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { asFsError, CODES, FsError, type Code } from '../../vfs/fs-error.ts';

/** An `FsError` in the form in which the control socket sends it. */
export interface Failure {
  readonly code: Code;
  readonly op: string;
  readonly subject?: string;
  readonly reason?: string;
}

const STATUS = {
  EACCES: 403,
  EAGAIN: 503,
  EBADF: 409,
  EBUSY: 409,
  EDQUOT: 507,
  EEXIST: 409,
  EFBIG: 413,
  EINTR: 499,
  EINVAL: 400,
  EIO: 500,
  EISDIR: 409,
  ELOOP: 409,
  ENAMETOOLONG: 400,
  ENODATA: 404,
  ENOENT: 404,
  ENOSPC: 507,
  ENOTDIR: 409,
  ENOTEMPTY: 409,
  ENOTSUP: 501,
  EPERM: 403,
  EROFS: 403,
  ESTALE: 409,
  ETIMEDOUT: 504,
  EXDEV: 409,
} as const satisfies Record<Code, number>;

/** Sends an error as a `Failure`. */
export function sendFailure(
  error: unknown,
  { method, url }: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
): FastifyReply {
  const known = toKnown(error, url);
  if (known.code === 'EIO') log.error({ err: error, method, url }, 'a control request failed');
  return reply.code(STATUS[known.code]).send(toFailure(known));
}

function toKnown(error: unknown, url: string): FsError {
  const invalid = typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === 400;
  if (!invalid || !(error instanceof Error)) return asFsError(error, url);
  return new FsError('EINVAL', url, { reason: error.message, cause: error });
}

export function toFailure({ code, op, subject, reason }: FsError): Failure {
  return { code, op, ...(subject === undefined ? {} : { subject }), ...(reason === undefined ? {} : { reason }) };
}

/** The error that the other side has sent. Anything else becomes `EIO`. */
export function fromFailure(value: unknown, op: string): FsError {
  if (isFailure(value)) return new FsError(value.code, value.op, { subject: value.subject, reason: value.reason });
  return new FsError('EIO', op, {
    reason: 'the response of the gateway is not understood; it may be of another version: restart it',
  });
}

function isFailure(value: unknown): value is Failure {
  if (typeof value !== 'object' || value === null) return false;
  const { code, op, subject = '', reason = '' } = value as Partial<Record<keyof Failure, unknown>>;
  return CODES.some((known) => known === code) && [op, subject, reason].every((text) => typeof text === 'string');
}
