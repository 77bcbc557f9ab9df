import type { Draft } from '../../vfs/file-system.ts';
import type { Attr } from '../../vfs/node.ts';
import { DavError } from '../dav-error.ts';
import type { Door } from '../door.ts';
import { etagOf } from '../etag.ts';
import { formatHttpDate } from '../http-date.ts';
import { locate, placeOf } from '../locate.ts';
import type { Target } from '../locate.ts';
import { checkIf, requireTokens } from '../locks/guard.ts';
import { requestedTime } from '../mtime.ts';
import type { Outcome } from '../outcome.ts';
import { empty } from '../outcome.ts';
import { evaluate, isConditional } from '../preconditions.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';

/** The whole content of a file, visible at once when all of it has arrived; nothing changes before. */
export async function put(request: DavRequest, door: Door): Promise<Outcome> {
  const target = await locate(door.fs, request.path, request.context);
  const { parent: folder, name } = check(request, target);
  await checkConditions(request, door, target);
  const time = requestedTime(request, door.now());
  const draft = await door.fs.draft(
    folder,
    name,
    time.mtime === undefined ? {} : { mtime: time.mtime },
    request.context,
  );
  const attr = await fill(request, target, draft);
  const headers = ['ETag', etagOf(attr) ?? '', 'Last-Modified', formatHttpDate(attr.mtime), ...time.headers];
  return empty(target.attr === undefined ? 201 : 204, headers);
}

/** What can be refused before anything is read. */
function check(request: DavRequest, target: Target): ReturnType<typeof placeOf> {
  if (target.attr?.kind === 'folder') throw new DavError(405, 'This is a folder; a file cannot take its place.');
  if (request.path.slash) throw new DavError(409, 'The address of a file does not end in a slash.');
  if (header(request, 'content-range') !== undefined) {
    throw new DavError(400, 'A file can only be written whole: PUT with Content-Range is not supported.');
  }
  return placeOf(target);
}

/** @throws DavError 412, 423 */
async function checkConditions(request: DavRequest, door: Door, target: Target): Promise<void> {
  if (evaluate(request, target.attr) !== 'pass') throw new DavError(412, 'The file is not the one that was expected.');
  const tokens = await checkIf(request, door);
  requireTokens(door, tokens, { names: request.path.names, membership: target.attr === undefined, tree: false });
}

async function fill(request: DavRequest, target: Target, draft: Draft): Promise<Attr> {
  try {
    const expected = announced(request);
    await request.body.pump((chunk) => draft.append(chunk, request.context), expected);
    const version = isConditional(request) ? { expected: target.attr?.version ?? null } : {};
    return await draft.commit(version, request.context);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** Bytes that must arrive. macOS sends chunks and says here how many bytes they hold. */
function announced(request: DavRequest): number | undefined {
  const field = header(request, 'x-expected-entity-length')?.trim();
  const { length } = request.body;
  if (field === undefined) return length;
  if (!/^\d{1,15}$/.test(field)) throw new DavError(400, 'X-Expected-Entity-Length is not a number.');
  if (length !== undefined && length !== Number(field)) {
    throw new DavError(400, 'Content-Length and X-Expected-Entity-Length differ.');
  }
  return Number(field);
}
