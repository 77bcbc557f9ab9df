import type { Door } from '../door.ts';
import { DavError } from '../dav-error.ts';
import { existing, locate, placeOf } from '../locate.ts';
import { checkIf, requireTokens } from '../locks/guard.ts';
import type { Outcome } from '../outcome.ts';
import { empty } from '../outcome.ts';
import { evaluate } from '../preconditions.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';

/** Removes a file, or a folder with everything below it, in one step. */
export async function remove(request: DavRequest, door: Door): Promise<Outcome> {
  const { context, path } = request;
  const target = await locate(door.fs, path, context);
  const attr = existing(target);
  const place = placeOf(target);
  const depth = header(request, 'depth')?.trim().toLowerCase();
  if (attr.kind === 'folder' && depth !== undefined && depth !== 'infinity') {
    throw new DavError(400, 'A folder can only be removed with everything below it: Depth must be infinity.');
  }
  if (evaluate(request, attr) !== 'pass')
    throw new DavError(412, 'The file has changed: the conditions of the request do not hold.');
  const tokens = await checkIf(request, door);
  requireTokens(door, tokens, { names: path.names, membership: true, tree: true });
  if (attr.kind === 'folder') await door.fs.removeTree(place.parent, place.name, context);
  else await door.fs.unlink(place.parent, place.name, context);
  await door.locks.removeTree(path.names);
  return empty(204);
}
