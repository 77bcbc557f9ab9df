import type { Attr } from '../../vfs/node.ts';
import { copyTree } from '../copy-tree.ts';
import { DavError } from '../dav-error.ts';
import { destinationOf, mayOverwrite } from '../destination.ts';
import type { Door } from '../door.ts';
import { existing, locate, placeOf } from '../locate.ts';
import type { Target } from '../locate.ts';
import { checkIf, requireTokens } from '../locks/guard.ts';
import { requestedTime } from '../mtime.ts';
import { multistatus } from '../multistatus.ts';
import type { Outcome } from '../outcome.ts';
import { empty } from '../outcome.ts';
import { evaluate } from '../preconditions.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';

/** A file, or a folder with or without what is below it. The content is not moved where the drive can refer to it. */
export async function copy(request: DavRequest, door: Door): Promise<Outcome> {
  const { context } = request;
  const path = destinationOf(request, door);
  const source = existing(await locate(door.fs, request.path, context));
  const deep = isDeep(request, source);
  const to = await locate(door.fs, { ...path, slash: false }, context);
  const place = placeOf(to);
  await checkDestination(request, door, source, to);
  const time = requestedTime(request, door.now());
  const replace = to.attr !== undefined;
  const inPlace = replace && source.kind !== 'folder' && to.attr?.kind !== 'folder';
  if (replace && !inPlace) await door.fs.removeTree(place.folder, place.name, context);
  if (replace) await door.locks.removeTree(path.names, { keepRoot: true });
  const { attr, failures } = await copyTree(
    door.fs,
    source,
    place,
    { deep, replace: inPlace, names: path.names },
    context,
  );
  if (time.mtime !== undefined) await door.fs.setattr(attr.id, { mtime: time.mtime }, context);
  await door.locks.rehold(path.names, async () => door.fs.hold(attr.id, context));
  return failures.length > 0 ? multistatus(failures) : empty(replace ? 204 : 201, time.headers);
}

function isDeep(request: DavRequest, source: Attr): boolean {
  const depth = header(request, 'depth')?.trim().toLowerCase() ?? 'infinity';
  if (source.kind !== 'folder') return false;
  if (depth !== '0' && depth !== 'infinity') throw new DavError(400, 'Depth is 0 or infinity.');
  return depth === 'infinity';
}

/** Conditions, `Overwrite` and locks. @throws DavError 403, 412, 423 */
async function checkDestination(request: DavRequest, door: Door, source: Attr, to: Target): Promise<void> {
  if (to.attr?.id === source.id) throw new DavError(403, 'Source and destination are the same.');
  if (evaluate(request, source) !== 'pass') throw new DavError(412, 'The source is not the one that was expected.');
  const tokens = await checkIf(request, door);
  if (to.attr !== undefined && !mayOverwrite(request)) throw new DavError(412, 'The destination exists already.');
  requireTokens(door, tokens, { names: to.path.names, membership: to.attr === undefined, tree: to.attr !== undefined });
}
