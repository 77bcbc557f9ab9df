import type { Code } from '../vfs/fs-error.ts';
import type { Method } from './method.ts';

/** The status of each code, by RFC 4918 section 11 and RFC 9110 section 15. The type requires one for every code. */
const STATUS: Record<Code, number> = {
  EACCES: 403,
  EAGAIN: 503,
  EBADF: 500,
  EBUSY: 423,
  EDQUOT: 507,
  EEXIST: 412,
  EFBIG: 413,
  EINTR: 503,
  EINVAL: 400,
  EIO: 500,
  EISDIR: 405,
  ELOOP: 403,
  ENAMETOOLONG: 414,
  ENODATA: 404,
  ENOENT: 404,
  ENOSPC: 507,
  ENOTDIR: 404,
  ENOTEMPTY: 409,
  ENOTSUP: 501,
  EPERM: 403,
  EROFS: 403,
  ESTALE: 404,
  ETIMEDOUT: 504,
  EXDEV: 403,
};

const EXCEPT: Partial<Record<Method, Partial<Record<Code, number>>>> = {
  PUT: { ENOENT: 409, ENOTDIR: 409, ESTALE: 412 },
  MKCOL: { ENOENT: 409, ENOTDIR: 409, EEXIST: 405 },
  LOCK: { ENOENT: 409, ENOTDIR: 409, EEXIST: 423 },
};

/** The HTTP status for an error of the file system during the given method. */
export function statusOf(code: Code, method: Method | undefined): number {
  return (method === undefined ? undefined : EXCEPT[method]?.[code]) ?? STATUS[code];
}

/** The message for each code, for errors that have no reason of their own. */
export const WORDS: Record<Code, string> = {
  EACCES: 'Access is denied.',
  EAGAIN: 'The cloud cannot be reached at the moment. Try again later.',
  EBADF: 'The file is not open.',
  EBUSY: 'The file is in use.',
  EDQUOT: "The account's quota is used up. Delete files or raise the quota.",
  EEXIST: 'A file or folder with this name already exists.',
  EFBIG: 'The file is too large.',
  EINTR: 'The request was interrupted.',
  EINVAL: 'The request is not valid for this file.',
  EIO: 'Reading or writing failed. `fjord status` and the log may say why.',
  EISDIR: 'This is a folder.',
  ELOOP: 'This is a symbolic link.',
  ENAMETOOLONG: 'The name is too long.',
  ENODATA: 'There is no such attribute.',
  ENOENT: 'There is no such file or folder.',
  ENOSPC: "This computer's disk is full. Free some space.",
  ENOTDIR: 'One part of the path is not a folder.',
  ENOTEMPTY: 'The folder is not empty.',
  ENOTSUP: 'The drive does not support this.',
  EPERM: 'The drive does not permit this.',
  EROFS: 'This part of the drive is read-only.',
  ESTALE: 'The file was changed or removed in the meantime. Reload it and try again.',
  ETIMEDOUT: 'The drive did not respond in time. Try again later.',
  EXDEV: 'Source and destination are different mounts; copy the file, then delete the original.',
};
