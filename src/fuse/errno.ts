import { asFsError, type Code } from '../vfs/fs-error.ts';
import { failureOf, type OperationName } from './failures.ts';

/** The errno on Linux (asm-generic) for every code. The kernel expects them negated. */
const ERRNO: Record<Code, number> = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  ENAMETOOLONG: 36,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  ENOTSUP: 95,
  ETIMEDOUT: 110,
  ESTALE: 116,
  EDQUOT: 122,
};

/** Further errnos that only this protocol uses. */
export const ENOTTY = 25;
export const ERANGE = 34;
/** Tells the kernel not to send this opcode again; it then uses its default behaviour. */
export const ENOSYS = 38;
export const E2BIG = 7;
/** No data, or nothing at all, behind a position: lseek(2). */
export const ENXIO = 6;

/** Errnos of the device itself. */
export const EIO = ERRNO.EIO;
export const EBADF = ERRNO.EBADF;
export const ENOENT = ERRNO.ENOENT;
export const EEXIST = ERRNO.EEXIST;
export const ENODATA = ERRNO.ENODATA;
export const ENOTSUP = ERRNO.ENOTSUP;
export const ESTALE = ERRNO.ESTALE;
export const EINTR = ERRNO.EINTR;
export const EAGAIN = ERRNO.EAGAIN;
export const EINVAL = ERRNO.EINVAL;
export const ENODEV = 19;
export const EPERM = ERRNO.EPERM;
export const EACCES = ERRNO.EACCES;
export const ECONNABORTED = 103;

/** An error of this protocol for which the port has no code. */
export class Errno extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

/** The errno for anything that an operation has thrown; `EIO` for errors that the operation must not fail with. */
export function errnoOf(error: unknown, op: OperationName, interrupted: boolean): number {
  return error instanceof Errno ? error.errno : ERRNO[failureOf(op, asFsError(error, op).code, interrupted)];
}
