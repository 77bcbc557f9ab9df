/**
 * The one error type of Fjord and its closed list of codes.
 *
 * An error is created where its cause is known, passes unchanged through every layer, and is mapped once at each door
 * by a total table (`Record<Code, …>`) and logged there, once.
 */

/** POSIX names; each door maps every one of them. */
export const CODES = [
  'EACCES',
  'EAGAIN',
  'EBADF',
  'EBUSY',
  'EDQUOT',
  'EEXIST',
  'EFBIG',
  'EINTR',
  'EINVAL',
  'EIO',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'ENODATA',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'ENOTEMPTY',
  'ENOTSUP',
  'EPERM',
  'EROFS',
  'ESTALE',
  'ETIMEDOUT',
  'EXDEV',
] as const;

export type Code = (typeof CODES)[number];

export interface FsErrorOptions {
  /** What the operation was about: a name, a path, a node id. */
  subject?: string | undefined;
  /** The cause, in words that a person can act on; doors that can show text show it. */
  reason?: string | undefined;
  cause?: unknown;
}

export class FsError extends Error {
  override readonly name = 'FsError';
  readonly code: Code;
  /** The operation that failed, a syscall's name where there is one. */
  readonly op: string;
  readonly subject: string | undefined;
  readonly reason: string | undefined;

  constructor(code: Code, op: string, { subject, reason, cause }: FsErrorOptions = {}) {
    const { stackTraceLimit } = Error;
    // A missing name is an ordinary result, thousands of times a second; a stack costs 20 µs.
    if (code === 'ENOENT') Error.stackTraceLimit = 0;
    super(describe(code, op, subject, reason), cause === undefined ? undefined : { cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.op = op;
    this.subject = subject;
    this.reason = reason;
  }
}

/** True for an `FsError`, with the given code if one is passed. */
export function isFsError(error: unknown, code?: Code): error is FsError {
  return error instanceof FsError && (code === undefined || error.code === code);
}

/** True if the subject of an operation has been removed since it was found. */
export function isGone(error: unknown): error is FsError {
  return isFsError(error, 'ENOENT') || isFsError(error, 'ESTALE');
}

/**
 * The `FsError` that a door reports for anything thrown below it. Errors of `node:fs` keep their code if it is in the
 * list, an abort becomes `EINTR`, a timeout `ETIMEDOUT`; all else is `EIO`, never a claim about the file.
 */
export function asFsError(error: unknown, op: string, subject?: string): FsError {
  if (error instanceof FsError) return error;
  return new FsError(codeOf(error), op, {
    subject,
    reason: error instanceof Error ? error.message : undefined,
    cause: error,
  });
}

function codeOf(error: unknown): Code {
  if (!(error instanceof Error)) return 'EIO';
  if (error.name === 'AbortError') return 'EINTR';
  if (error.name === 'TimeoutError') return 'ETIMEDOUT';
  const code = (error as NodeJS.ErrnoException).code;
  return CODES.find((known) => known === code) ?? 'EIO';
}

function describe(code: Code, op: string, subject: string | undefined, reason: string | undefined): string {
  const head = subject === undefined ? op : `${op} ${JSON.stringify(subject)}`;
  return reason === undefined ? `${head}: ${code}` : `${head}: ${code}: ${reason}`;
}
