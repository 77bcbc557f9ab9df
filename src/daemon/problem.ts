import { asFsError, type Code, type FsError } from '../vfs/fs-error.ts';
import { ConfigError } from './config.ts';

/** The kind of a failure, which determines the exit code of a command. */
export type ProblemKind =
  | 'failure'
  | 'damaged'
  | 'overdue'
  | 'pending'
  | 'usage'
  | 'unreachable'
  | 'not-found'
  | 'refused'
  | 'conflict'
  | 'no-room'
  | 'interrupted';

/** A failure as one line for the terminal, which says what was wrong and what to do. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly kind: ProblemKind;

  constructor(kind: ProblemKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

const CODES = {
  EACCES: ['refused', 'the rules of this folder do not permit this'],
  EAGAIN: ['unreachable', 'the cloud cannot be reached at the moment; nothing is lost, try again later'],
  EBADF: ['failure', 'the file was closed'],
  EBUSY: ['conflict', 'it is in use; try again later'],
  EDQUOT: ['no-room', "the account's quota is used up; delete files or raise the quota"],
  EEXIST: ['conflict', 'it already exists'],
  EFBIG: ['no-room', 'the file is too large'],
  EINTR: ['interrupted', 'interrupted'],
  EINVAL: ['usage', 'not a valid name or value'],
  EIO: ['failure', 'it failed; `fjord status` and the log may say why'],
  EISDIR: ['usage', 'it is a folder'],
  ELOOP: ['usage', 'it is a symbolic link'],
  ENAMETOOLONG: ['usage', 'the name is too long'],
  ENODATA: ['not-found', 'there is no such attribute'],
  ENOENT: ['not-found', 'there is no such file or folder'],
  ENOSPC: ['no-room', 'the cache disk is full; free some space, or set another cache.dir'],
  ENOTDIR: ['not-found', 'it is not a folder'],
  ENOTEMPTY: ['conflict', 'the folder is not empty'],
  ENOTSUP: ['failure', 'this is not supported'],
  EPERM: ['refused', 'the rules of this folder do not permit this'],
  EROFS: ['refused', 'this folder is read-only'],
  ESTALE: ['conflict', 'it was changed in the meantime; look at it and try again'],
  ETIMEDOUT: ['unreachable', 'there was no response in time; try again later'],
  EXDEV: ['refused', 'the target is in another folder of the drive; copy instead of moving'],
} as const satisfies Record<Code, readonly [ProblemKind, string]>;

/** Converts anything thrown to a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ConfigError) return new Problem('usage', error.message, { cause: error });
  const fsError = asFsError(error, 'fjord');
  return new Problem(CODES[fsError.code][0], words(fsError), { cause: error });
}

function words({ code, subject, reason }: FsError): string {
  const told = reason ?? CODES[code][1];
  return subject === undefined || told.includes(subject) ? told : `${subject}: ${told}`;
}
