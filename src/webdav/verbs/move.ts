import type { Context } from '../../vfs/context.ts';
import type { Place } from '../../vfs/file-system.ts';
import { isFsError } from '../../vfs/fs-error.ts';
import type { Attr } from '../../vfs/node.ts';
import { DavError } from '../dav-error.ts';
import { destinationOf, mayOverwrite } from '../destination.ts';
import type { Door } from '../door.ts';
import { existing, locate, placeOf } from '../locate.ts';
import type { Target } from '../locate.ts';
import { checkIf, requireTokens } from '../locks/guard.ts';
import { requestedTime } from '../mtime.ts';
import type { Outcome } from '../outcome.ts';
import { empty } from '../outcome.ts';
import { evaluate } from '../preconditions.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';
import { takePlace } from '../take-place.ts';

/** The error codes of renaming over a folder that is not empty, or over another kind of node. */
const IN_THE_WAY = ['ENOTEMPTY', 'EISDIR', 'ENOTDIR', 'EEXIST'] as const;

/** The source and destination of a move, both looked up. */
interface Plan {
  readonly source: Attr;
  readonly from: Place;
  readonly to: Place;
  /** Names of the destination's path. */
  readonly names: readonly string[];
  /** The node that is there now and will be replaced. */
  readonly replaced: Attr | undefined;
}

/**
 * Moves a node, which keeps its id, properties and versions. Without an `Overwrite` header the destination is replaced
 * (Finder sends none). Moving between two mounts is refused (`EXDEV`, 403): programs then copy and delete, so the
 * policies of both mounts apply.
 */
export async function move(request: DavRequest, door: Door): Promise<Outcome> {
  const { context } = request;
  const names = destinationOf(request, door).names;
  const here = await locate(door.fs, request.path, context);
  const source = existing(here);
  const from = placeOf(here);
  const there = await locate(door.fs, { names, slash: false }, context);
  const sameNode = there.attr?.id === source.id;
  const to = { ...placeOf(there), ...(sameNode ? { name: names.at(-1) ?? '' } : {}) };
  const plan: Plan = { source, from, to, names, replaced: sameNode ? undefined : there.attr };
  await check(request, door, plan, there);
  const time = requestedTime(request, door.now());
  await relocate(door, plan, context);
  await settle(request, door, plan, time.mtime);
  return empty(plan.replaced === undefined ? 201 : 204, time.headers);
}

/** @throws DavError 400, 412, 423 */
async function check(request: DavRequest, door: Door, { source, replaced }: Plan, there: Target): Promise<void> {
  const depth = header(request, 'depth')?.trim().toLowerCase() ?? 'infinity';
  if (source.kind === 'folder' && depth !== 'infinity')
    throw new DavError(400, 'A folder can only be moved with everything below it: Depth must be infinity.');
  if (evaluate(request, source) !== 'pass')
    throw new DavError(412, 'The source has changed: the conditions of the request do not hold.');
  const tokens = await checkIf(request, door);
  if (replaced !== undefined && !mayOverwrite(request))
    throw new DavError(412, 'The destination already exists; send Overwrite: T to replace it.');
  requireTokens(door, tokens, { names: request.path.names, membership: true, tree: true });
  const exists = replaced !== undefined;
  requireTokens(door, tokens, { names: there.path.names, membership: !exists, tree: exists });
}

/** Renames. The policy and the kind of move are checked before the node at the destination is removed. */
async function relocate(door: Door, { from, to, replaced }: Plan, context: Context): Promise<void> {
  try {
    await door.fs.rename(from, to, replaced === undefined ? { noReplace: true } : {}, context);
  } catch (error) {
    if (replaced === undefined || !IN_THE_WAY.some((code) => isFsError(error, code))) throw error;
    await takePlace(door.fs, from, to, context);
  }
}

/** Locks belong to paths: those of the source end, and those of the destination now hold the moved node. */
async function settle(request: DavRequest, door: Door, { names, to }: Plan, mtime: number | undefined): Promise<void> {
  const { context } = request;
  await door.locks.removeTree(request.path.names);
  await door.locks.removeTree(names, { keepRoot: true });
  if (mtime === undefined && door.locks.size === 0) return;
  const attr = await door.fs.lookup(to.parent, to.name, context);
  if (mtime !== undefined) await door.fs.setattr(attr.id, { mtime }, context);
  await door.locks.rehold(names, async () => door.fs.hold(attr.id, context));
}
