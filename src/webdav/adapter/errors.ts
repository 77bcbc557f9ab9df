import { v2 as webdav } from 'webdav-server';
import { type Code, asFsError } from '../../vfs/fs-error.ts';

const { Errors } = webdav;

/** The error of `webdav-server` for each of our codes. It has fewer errors than we have codes. */
const ERRORS: Record<Code, Error> = {
  EACCES: Errors.Forbidden,
  EAGAIN: new webdav.HTTPError(503),
  EBADF: Errors.InvalidOperation,
  EBUSY: Errors.Locked,
  EDQUOT: Errors.InsufficientStorage,
  EEXIST: Errors.ResourceAlreadyExists,
  EFBIG: new webdav.HTTPError(413),
  EINTR: new webdav.HTTPError(503),
  EINVAL: Errors.IllegalArguments,
  EIO: new webdav.HTTPError(500),
  EISDIR: Errors.ExpectedAFileResourceType,
  ELOOP: Errors.InvalidOperation,
  ENAMETOOLONG: new webdav.HTTPError(414),
  ENODATA: Errors.PropertyNotFound,
  ENOENT: Errors.ResourceNotFound,
  ENOSPC: Errors.InsufficientStorage,
  ENOTDIR: Errors.ResourceNotFound,
  ENOTEMPTY: Errors.InvalidOperation,
  ENOTSUP: Errors.InvalidOperation,
  EPERM: Errors.Forbidden,
  EROFS: Errors.Forbidden,
  ESTALE: new webdav.HTTPError(412),
  ETIMEDOUT: new webdav.HTTPError(504),
  EXDEV: Errors.Forbidden,
};

/** Converts anything thrown by a file system to an error of the library. */
export function toLibraryError(error: unknown, op: string): Error {
  return ERRORS[asFsError(error, op).code];
}

/** Runs `work` and passes its result or error to a callback of the library, once. */
export function settle<T>(op: string, callback: (error?: Error, data?: T) => void, work: () => Promise<T>): void {
  work().then(
    (data) => callback(undefined, data),
    (error: unknown) => callback(toLibraryError(error, op)),
  );
}
