import { v2 as webdav } from 'webdav-server';
import { type Code, asFsError } from '../../vfs/fs-error.ts';

const { Errors } = webdav;

/** What `webdav-server` answers for each of our codes; it knows fewer causes than we do. */
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

/** The library's error for anything thrown below. */
export function toLibraryError(error: unknown, op: string): Error {
  return ERRORS[asFsError(error, op).code];
}

/** Runs `work` and gives its outcome to a callback of the library, once. */
export function answer<T>(op: string, callback: (error?: Error, data?: T) => void, work: () => Promise<T>): void {
  work().then(
    (data) => callback(undefined, data),
    (error: unknown) => callback(toLibraryError(error, op)),
  );
}
