import { scratchName } from '../../vfs/name.ts';
import type { Attr } from '../../vfs/node.ts';
import { copyTree } from '../../vfs/copy-tree.ts';
import type { CopyTreeResult } from '../../vfs/copy-tree.ts';
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
import { replaceTree } from '../replace-tree.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';

/**
 * Copies a file, or a folder with or without its members. Content is copied by reference where the drive supports that.
 */
export async function copy(request: DavRequest, door: Door): Promise<Outcome> {
  const { context } = request;
  const { names } = destinationOf(request, door);
  const source = existing(await locate(door.fs, request.path, context));
  const deep = isDeep(request, source);
  const to = await locate(door.fs, { names, slash: false }, context);
  placeOf(to);
  await checkDestination(request, door, source, to);
  const time = requestedTime(request, door.now());
  const { attr, failures } = await make(request, door, source, to, deep);
  const kept = to.attr !== undefined && failures.length > 0;
  if (kept) return multistatus(failures, { names, folder: to.attr.kind === 'folder' });
  if (to.attr !== undefined) await door.locks.removeTree(names, { keepRoot: true });
  if (time.mtime !== undefined) await door.fs.setattr(attr.id, { mtime: time.mtime }, context);
  await door.locks.rehold(names, async () => door.fs.hold(attr.id, context));
  if (failures.length > 0) return multistatus(failures);
  return empty(to.attr === undefined ? 201 : 204, time.headers);
}

/**
 * Keeps the node at the destination until the copy is complete, although RFC 4918 section 9.8.4 would remove it first.
 */
async function make(
  { context }: DavRequest,
  { fs, uuid }: Door,
  source: Attr,
  to: Target,
  deep: boolean,
): Promise<CopyTreeResult> {
  const place = placeOf(to);
  const { names } = to.path;
  const swap = to.attr !== undefined && (source.kind === 'folder' || to.attr.kind === 'folder');
  if (swap) return await replaceTree(fs, source, place, { deep, names, name: scratchName(uuid()) }, context);
  return await copyTree(fs, source, place, { deep, replace: to.attr !== undefined, names }, context);
}

function isDeep(request: DavRequest, source: Attr): boolean {
  const depth = header(request, 'depth')?.trim().toLowerCase() ?? 'infinity';
  if (source.kind !== 'folder') return false;
  if (depth !== '0' && depth !== 'infinity') throw new DavError(400, 'Depth must be 0 or infinity.');
  return depth === 'infinity';
}

/** Checks conditions, `Overwrite` and locks. @throws DavError 403, 412, 423 */
async function checkDestination(request: DavRequest, door: Door, source: Attr, to: Target): Promise<void> {
  if (to.attr?.id === source.id) throw new DavError(403, 'Source and destination are the same.');
  if (evaluate(request, source) !== 'pass')
    throw new DavError(412, 'The source has changed: the conditions of the request do not hold.');
  const tokens = await checkIf(request, door);
  if (to.attr !== undefined && !mayOverwrite(request))
    throw new DavError(412, 'The destination already exists; send Overwrite: T to replace it.');
  requireTokens(door, tokens, { names: to.path.names, membership: to.attr === undefined, tree: to.attr !== undefined });
}
