import { parseRange, type ByteRange } from '../../vfs/byte-range.ts';
import type { Context } from '../../vfs/context.ts';
import { assign } from '../../vfs/assign.ts';
import type { FileHandle } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr } from '../../vfs/node.ts';
import { DavError } from '../dav-error.ts';
import type { Door } from '../door.ts';
import { etagOf } from '../etag.ts';
import { formatHttpDate } from '../http-date.ts';
import { find } from '../locate.ts';
import { checkIf } from '../locks/guard.ts';
import type { Outcome, Sink } from '../outcome.ts';
import { empty } from '../outcome.ts';
import { evaluate, ifRange, isConditional } from '../preconditions.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';
import { typeOf } from '../media-type.ts';
import { listing } from './listing.ts';
import { multipart, streamRange } from './file-body.ts';

/** Files up to this size, in bytes, are read before the head is sent, and sent with it in one write. */
const SMALL = 64 * 1024;

/** How files are opened: a response is one consistent content, whatever happens to the file in the meantime. */
const READ = { read: true, write: false, snapshot: true } as const;
const CHECK = { read: true, write: false } as const;

/** GET and HEAD. */
export async function get(request: DavRequest, door: Door): Promise<Outcome> {
  const { context } = request;
  const attr = await find(door.fs, request.path, context);
  if (attr.kind === 'folder') return folder(request, door, attr);
  if (attr.kind === 'symlink') return link(request, door, attr);
  if (request.method === 'HEAD') return (await refused(request, door, attr)) ?? plan(request, attr).outcome;
  return (await fromMemory(request, door, attr)) ?? fromDrive(request, door, attr);
}

/** The response for a recently read small file, if the drive permits reading it. */
async function fromMemory(request: DavRequest, door: Door, attr: Attr): Promise<Outcome | undefined> {
  const body = header(request, 'range') === undefined ? door.hot.get(attr) : undefined;
  if (body === undefined) return undefined;
  const opened = door.fs.open(attr.id, CHECK, request.context);
  const closed = (opened instanceof Promise ? await opened : opened).close();
  if (closed instanceof Promise) await closed;
  return (await refused(request, door, attr)) ?? assign(plan(request, attr).outcome, { body });
}

async function fromDrive(request: DavRequest, door: Door, { id }: Attr): Promise<Outcome> {
  const handle = await door.fs.open(id, READ, request.context);
  try {
    const outcome = await respond(request, door, handle);
    if (outcome.release === undefined) await handle.close();
    return outcome;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function respond(request: DavRequest, door: Door, handle: FileHandle): Promise<Outcome> {
  const attr = await handle.attr(request.context);
  const no = await refused(request, door, attr);
  if (no !== undefined) return no;
  const { outcome, ranges } = plan(request, attr);
  if (ranges === undefined || ranges.length === 0) return outcome;
  const [only] = ranges;
  if (ranges.length > 1 || only === undefined)
    return multipart(outcome, handle, ranges, attr, typeOf(attr), request.context);
  if (only.end - only.start < SMALL)
    return assign(outcome, { body: await readNow(door, handle, attr, only, request.context) });
  const release = async (): Promise<void> => handle.close();
  return assign(outcome, {
    body: (sink: Sink): Promise<void> => streamRange(sink, handle, only, request.context),
    release,
  });
}

async function readNow(
  { hot }: Door,
  handle: FileHandle,
  attr: Attr,
  { start, end }: ByteRange,
  context: Context,
): Promise<Uint8Array> {
  const body = Buffer.allocUnsafeSlow(end - start + 1);
  if ((await handle.read(body, start, context)) < body.length) {
    throw new FsError('EAGAIN', 'read', { reason: 'The file became shorter while it was read; request it again.' });
  }
  hot.put(attr, body);
  return body;
}

/** The head of a response and the bytes to send. */
interface Plan {
  readonly outcome: Outcome;
  /** `undefined` if there is no body. */
  readonly ranges?: readonly ByteRange[];
}

function plan(request: DavRequest, attr: Attr): Plan {
  const headers = fileHeaders(attr);
  const { size } = attr;
  const field = header(request, 'range');
  const ranges =
    field === undefined || request.method === 'HEAD' || !ifRange(request, attr) ? undefined : parseRange(field, size);
  if (ranges?.length === 0) {
    throw new DavError(416, `The file has ${size} bytes.`, { headers: ['Content-Range', `bytes */${size}`] });
  }
  if (ranges === undefined) {
    headers.push('Content-Length', String(size));
    return size === 0
      ? { outcome: empty(200, headers) }
      : { outcome: { status: 200, headers }, ranges: [{ start: 0, end: size - 1 }] };
  }
  const [first] = ranges;
  if (ranges.length === 1 && first !== undefined) {
    headers.push('Content-Range', `bytes ${first.start}-${first.end}/${size}`);
    headers.push('Content-Length', String(first.end - first.start + 1));
  }
  return { outcome: { status: 206, headers }, ranges };
}

/** The 304 response, if the conditional fields require it. @throws DavError 412 */
async function refused(request: DavRequest, door: Door, attr: Attr): Promise<Outcome | undefined> {
  if (!isConditional(request)) return undefined;
  const verdict = evaluate(request, attr);
  if (verdict === 412) throw new DavError(412, 'The file has changed: the conditions of the request do not hold.');
  await checkIf(request, door);
  return verdict === 304
    ? empty(304, ['ETag', etagOf(attr) ?? '', 'Last-Modified', formatHttpDate(attr.mtime)])
    : undefined;
}

/** `sandbox` prevents an HTML file on the drive from making requests with the drive's password. */
function fileHeaders(attr: Attr): string[] {
  return [
    'Content-Type',
    typeOf(attr),
    'ETag',
    `"${attr.version}"`,
    'Last-Modified',
    formatHttpDate(attr.mtime),
    'Accept-Ranges',
    'bytes',
    'X-Content-Type-Options',
    'nosniff',
    'Content-Security-Policy',
    'sandbox',
    'Cache-Control',
    'private, no-cache',
  ];
}

async function folder(request: DavRequest, door: Door, attr: Attr): Promise<Outcome> {
  const no = isConditional(request) ? evaluate(request, attr) : 'pass';
  if (no === 412) throw new DavError(412, 'The folder has changed: the conditions of the request do not hold.');
  return listing(request, door, attr);
}

/** Serves a symbolic link as a file whose content is its target. */
async function link(request: DavRequest, door: Door, attr: Attr): Promise<Outcome> {
  const body = await door.fs.readlink(attr.id, request.context);
  const no = await refused(request, door, attr);
  const headers = fileHeaders(attr);
  return no ?? { status: 200, headers, body };
}
