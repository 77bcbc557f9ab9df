import type { Hold } from '../../vfs/file-system.ts';
import type { Attr } from '../../vfs/node.ts';
import { DavError } from '../dav-error.ts';
import type { Door } from '../door.ts';
import { locate, placeOf } from '../locate.ts';
import type { Target } from '../locate.ts';
import { checkIf, conflicts, locked, requireTokens } from '../locks/guard.ts';
import type { Depth, Lock } from '../locks/lock.ts';
import { lockDiscovery } from '../locks/lock.ts';
import { parseLockInfo, parseTimeout } from '../locks/lock-request.ts';
import type { LockInfo } from '../locks/lock-request.ts';
import type { Outcome } from '../outcome.ts';
import { xml } from '../outcome.ts';
import { evaluate } from '../preconditions.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';

/** Most locks of a drive; the programs of one user hold only a few. */
const MAX_LOCKS = 10_000;

/** Creates a lock, or, without a body, refreshes the submitted ones (RFC 4918 section 9.10). */
export async function lock(request: DavRequest, door: Door): Promise<Outcome> {
  const info = parseLockInfo(await request.body.xml());
  const timeout = parseTimeout(header(request, 'timeout'), door.lockTimeout);
  return info === undefined ? refresh(request, door, timeout) : create(request, door, info, timeout);
}

async function refresh(request: DavRequest, door: Door, timeout: number): Promise<Outcome> {
  if (request.headers['if'] === undefined)
    throw new DavError(400, 'A LOCK without a body refreshes a lock, and must name it in the If header.');
  const tokens = await checkIf(request, door);
  const mine = door.locks.covering(request.path.names).filter(({ token }) => tokens.has(token));
  if (mine.length === 0) {
    throw new DavError(412, 'None of the submitted locks is on this resource.', {
      condition: { name: 'lock-token-matches-request-uri' },
    });
  }
  for (const { token } of mine) await door.locks.refresh(token, timeout);
  return respond(200, request, door, []);
}

async function create(request: DavRequest, door: Door, info: LockInfo, timeout: number): Promise<Outcome> {
  const depth = depthOf(request);
  const target = await locate(door.fs, request.path, request.context);
  if (evaluate(request, target.attr) !== 'pass')
    throw new DavError(412, 'The file has changed: the conditions of the request do not hold.');
  const tokens = await checkIf(request, door);
  checkFree(request, door, info, depth);
  if (door.locks.size >= MAX_LOCKS) throw new DavError(503, 'There are too many locks on this drive; release some.');
  if (target.attr === undefined)
    requireTokens(door, tokens, { names: request.path.names, membership: true, tree: false });
  const { attr, hold } = await seize(request, door, target);
  try {
    // Another request may have locked the resource while this one was creating or opening it.
    checkFree(request, door, info, depth);
    const lock = makeLock(request, door, { info, depth, timeout, folder: attr.kind === 'folder' });
    await door.locks.add(lock, hold);
    return respond(target.attr === undefined ? 201 : 200, request, door, ['Lock-Token', `<${lock.token}>`]);
  } catch (error) {
    hold.release();
    throw error;
  }
}

function checkFree(request: DavRequest, door: Door, { scope }: LockInfo, depth: Depth): void {
  const there = conflicts(door, request.path.names, scope, depth === 'infinity');
  if (there.length > 0) throw locked('no-conflicting-lock', there, 'The resource is already locked.');
}

interface NewLock {
  readonly info: LockInfo;
  readonly depth: Depth;
  readonly timeout: number;
  readonly folder: boolean;
}

function makeLock(request: DavRequest, door: Door, { info, depth, timeout, folder }: NewLock): Lock {
  const token = `opaquelocktoken:${door.uuid()}`;
  const { scope, owner } = info;
  return { token, names: request.path.names, folder, scope, depth, owner, timeout, expires: door.now() + timeout };
}

/** Holds the node. If there is none, creates an empty file (RFC 4918 section 7.3) and holds it before it is closed. */
async function seize(request: DavRequest, door: Door, target: Target): Promise<{ attr: Attr; hold: Hold }> {
  const { context } = request;
  if (target.attr !== undefined) return { attr: target.attr, hold: await door.fs.hold(target.attr.id, context) };
  const { parent: folder, name } = placeOf(target);
  const handle = await door.fs.create(folder, name, {}, { read: false, write: true }, context);
  try {
    return { attr: await handle.attr(context), hold: await door.fs.hold(handle.node, context) };
  } finally {
    await handle.close();
  }
}

function depthOf(request: DavRequest): Depth {
  const depth = header(request, 'depth')?.trim().toLowerCase() ?? 'infinity';
  if (depth !== '0' && depth !== 'infinity') throw new DavError(400, 'Depth must be 0 or infinity.');
  return depth;
}

function respond(status: 200 | 201, request: DavRequest, door: Door, headers: readonly string[]): Outcome {
  const discovery = lockDiscovery(door.locks.covering(request.path.names), door.now());
  return xml(status, `<?xml version="1.0" encoding="utf-8"?><D:prop xmlns:D="DAV:">${discovery}</D:prop>`, headers);
}
