import { FsError } from '../../vfs/fs-error.ts';
import { DavError } from '../dav-error.ts';
import type { Door } from '../door.ts';
import { locate, placeOf } from '../locate.ts';
import { checkIf, requireTokens } from '../locks/guard.ts';
import { requestedTime } from '../mtime.ts';
import type { Outcome } from '../outcome.ts';
import { empty } from '../outcome.ts';
import { evaluate } from '../preconditions.ts';
import type { DavRequest } from '../request.ts';

export async function mkcol(request: DavRequest, door: Door): Promise<Outcome> {
  if (request.body.length !== 0) throw new DavError(415, 'MKCOL takes no body.');
  const target = await locate(door.fs, { ...request.path, slash: false }, request.context);
  if (target.attr !== undefined) throw new FsError('EEXIST', 'mkdir', { subject: target.name });
  const { folder, name } = placeOf(target);
  if (evaluate(request, undefined) !== 'pass') throw new DavError(412, 'The folder is not the one that was expected.');
  const tokens = await checkIf(request, door);
  requireTokens(door, tokens, { names: request.path.names, membership: true, tree: false });
  const { mtime, headers } = requestedTime(request, door.now());
  await door.fs.mkdir(folder, name, mtime === undefined ? {} : { mtime }, request.context);
  return empty(201, headers);
}
