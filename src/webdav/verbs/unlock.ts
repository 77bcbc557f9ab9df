import { DavError } from '../dav-error.ts';
import type { Door } from '../door.ts';
import { checkIf } from '../locks/guard.ts';
import type { Outcome } from '../outcome.ts';
import { empty } from '../outcome.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';

/** Ends a lock (RFC 4918 section 9.11). Old versions of Windows send the token without angle brackets. */
export async function unlock(request: DavRequest, door: Door): Promise<Outcome> {
  const field = header(request, 'lock-token')?.trim();
  const token = /^<([^<>\s]+)>$/.exec(field ?? '')?.[1] ?? /^[^<>\s]+$/.exec(field ?? '')?.[0];
  if (token === undefined) throw new DavError(400, 'The Lock-Token header is missing or malformed.');
  await checkIf(request, door);
  if (!door.locks.covering(request.path.names).some((lock) => lock.token === token)) {
    throw new DavError(409, 'There is no such lock on this resource.', {
      condition: { name: 'lock-token-matches-request-uri' },
    });
  }
  await door.locks.remove(token);
  return empty(204);
}
