import { DavError } from './dav-error.ts';
import type { Door } from './door.ts';
import type { DavPath } from './path.ts';
import { parsePath, splitTarget } from './path.ts';
import type { DavRequest } from './request.ts';
import { header } from './request.ts';

/**
 * The `Destination` of COPY and MOVE: an absolute URL or an absolute path.
 * @throws DavError 400 without a usable one, 502 if it is on another server, 403 if it is above or below the source
 */
export function destinationOf(request: DavRequest, door: Door): DavPath {
  const field = header(request, 'destination');
  if (field === undefined) throw new DavError(400, 'The Destination header is missing; send the target address in it.');
  const { authority, path } = splitTarget(field.trim());
  if (authority !== undefined && !door.isOwn(authority, request.headers.host)) {
    throw new DavError(502, 'The destination is on another server; copy through this computer instead.');
  }
  const destination = parsePath(path);
  checkApart(request.path.names, destination.names);
  return destination;
}

function checkApart(from: readonly string[], to: readonly string[]): void {
  if (from.length === to.length && from.some((name, i) => name !== to[i])) return;
  const shared = Math.min(from.length, to.length);
  if (from.slice(0, shared).every((name, i) => name.normalize('NFC') === to[i]?.normalize('NFC'))) {
    throw new DavError(403, 'Source and destination are the same, or one is inside the other.');
  }
}

/** RFC 4918 section 10.6: true unless the client says `F`. */
export function mayOverwrite(request: DavRequest): boolean {
  const field = header(request, 'overwrite')?.trim().toUpperCase();
  if (field !== undefined && field !== 'T' && field !== 'F')
    throw new DavError(400, 'The Overwrite header must be T or F.');
  return field !== 'F';
}
