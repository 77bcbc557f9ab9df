import type { Draft } from '../../vfs/file-system.ts';
import type { Attr } from '../../vfs/node.ts';
import { DavError } from '../dav-error.ts';
import type { Door } from '../door.ts';
import { etagOf } from '../etag.ts';
import { formatHttpDate } from '../http-date.ts';
import { locate, placeOf } from '../locate.ts';
import type { Target } from '../locate.ts';
import { checkIf, noTokens, requireTokens } from '../locks/guard.ts';
import { type RequestedTime, requestedTime } from '../mtime.ts';
import type { Outcome } from '../outcome.ts';
import { empty } from '../outcome.ts';
import { evaluate, isConditional } from '../preconditions.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';

/** What the head of a PUT says, read once. */
interface Head {
  /** Bytes that must arrive; `undefined` if that is not known before the end. */
  readonly length: number | undefined;
  readonly time: RequestedTime;
  /** Its effect depends on what is there now. */
  readonly isConditional: boolean;
}

/** The whole content of a file, visible at once when all of it has arrived; nothing changes before. */
export async function put(request: DavRequest, door: Door): Promise<Outcome> {
  const target = await locate(door.fs, request.path, request.context);
  const { parent: folder, name } = check(request, target);
  const head = headOf(request, door.now());
  const tokens = head.isConditional ? await checkConditions(request, door, target) : noTokens;
  requireTokens(door, tokens, { names: request.path.names, membership: target.attr === undefined, tree: false });
  const { mtime, headers } = head.time;
  const draft = await door.fs.draft(folder, name, mtime === undefined ? {} : { mtime }, request.context);
  const attr = await fill(request, head, target, draft);
  const fields = ['ETag', etagOf(attr) ?? '', 'Last-Modified', formatHttpDate(attr.mtime), ...headers];
  return empty(target.attr === undefined ? 201 : 204, fields);
}

/** Checks everything that can be refused before the body is read. */
function check(request: DavRequest, target: Target): ReturnType<typeof placeOf> {
  if (target.attr?.kind === 'folder') throw new DavError(405, 'This is a folder; a file cannot take its place.');
  if (request.path.slash) throw new DavError(409, 'The address of a file does not end in a slash.');
  return placeOf(target);
}

/** @throws DavError 400 */
function headOf(request: DavRequest, now: number): Head {
  if (header(request, 'content-range') !== undefined) {
    throw new DavError(400, 'A file can only be written whole: PUT with Content-Range is not supported.');
  }
  return { length: announced(request), time: requestedTime(request, now), isConditional: isConditional(request) };
}

/** Returns the lock tokens that were submitted. @throws DavError 412 */
async function checkConditions(request: DavRequest, door: Door, target: Target): Promise<ReadonlySet<string>> {
  if (evaluate(request, target.attr) !== 'pass') throw new DavError(412, 'The file is not the one that was expected.');
  return await checkIf(request, door);
}

async function fill({ body, context }: DavRequest, head: Head, target: Target, draft: Draft): Promise<Attr> {
  try {
    await body.pump((chunk) => draft.append(chunk, context), head.length);
    const version = head.isConditional ? { expected: target.attr?.version ?? null } : {};
    return await draft.commit(version, context);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** The number of bytes that must arrive. macOS sends a chunked body and announces its length in its own header. */
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
