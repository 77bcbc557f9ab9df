import type { Code } from '../vfs/fs-error.ts';
import type { Method } from './method.ts';

/** RFC 4918 section 11 and RFC 9110 section 15. The type makes a new code impossible to forget. */
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

/** The HTTP status of a failure of the file system under the given method. */
export function statusOf(code: Code, method: Method | undefined): number {
  return (method === undefined ? undefined : EXCEPT[method]?.[code]) ?? STATUS[code];
}

/** In words, for errors that carry no reason of their own. */
export const WORDS: Record<Code, string> = {
  EACCES: 'Access is denied.',
  EAGAIN: 'The drive cannot answer right now. Try again.',
  EBADF: 'The file is not open.',
  EBUSY: 'The file is in use.',
  EDQUOT: 'The account has no room left.',
  EEXIST: 'The name exists already.',
  EFBIG: 'The file is too large.',
  EINTR: 'The request was interrupted.',
  EINVAL: 'The request makes no sense for this file.',
  EIO: 'The drive failed to read or write.',
  EISDIR: 'This is a folder.',
  ELOOP: 'This is a symbolic link.',
  ENAMETOOLONG: 'The name is too long.',
  ENODATA: 'There is no such attribute.',
  ENOENT: 'There is no such file or folder.',
  ENOSPC: 'The disk of this computer has no room left.',
  ENOTDIR: 'A part of the path is not a folder.',
  ENOTEMPTY: 'The folder is not empty.',
  ENOTSUP: 'The drive does not support this.',
  EPERM: 'The drive does not permit this.',
  EROFS: 'This part of the drive is read-only.',
  ESTALE: 'The file has changed or gone meanwhile.',
  ETIMEDOUT: 'The drive did not answer in time.',
  EXDEV: 'Source and destination are different mounts: copy it, and then delete the original.',
};
