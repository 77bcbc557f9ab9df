import type { Page } from '../../vfs/file-system.ts';
import type { Attr, StatFs } from '../../vfs/node.ts';
import { pages } from '../../vfs/walk.ts';
import { setImmediate } from 'node:timers/promises';
import { DavError } from '../dav-error.ts';
import type { Door } from '../door.ts';
import { find } from '../locate.ts';
import { lockDiscovery } from '../locks/lock.ts';
import { checkIf } from '../locks/guard.ts';
import { MULTISTATUS_HEAD, MULTISTATUS_TAIL } from '../multistatus.ts';
import type { Outcome, Sink } from '../outcome.ts';
import { XML_TYPE } from '../outcome.ts';
import { encodeSegment, hrefOf } from '../path.ts';
import { parsePropfind } from '../props/propfind-request.ts';
import { NO_LOCKS } from '../props/live.ts';
import type { RowWriter } from '../props/rows.ts';
import { rowWriter } from '../props/rows.ts';
import { tellsQuota } from '../quota.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';

/** Characters of rows put together before they are sent. */
const CHUNK = 64 * 1024;

/** The properties of a resource and, with Depth 1, of its children: streamed, in memory that does not depend on their number. */
export async function propfind(request: DavRequest, door: Door): Promise<Outcome> {
  const { context } = request;
  const depth = header(request, 'depth')?.trim().toLowerCase() ?? 'infinity';
  if (depth !== '0' && depth !== '1' && depth !== 'infinity') throw new DavError(400, 'Depth is 0, 1 or infinity.');
  const writer = rowWriter(parsePropfind(await request.body.xml()), isMinimal(request));
  const self = await find(door.fs, request.path, context);
  if (request.headers['if'] !== undefined) await checkIf(request, door);
  const lists = self.kind === 'folder' && depth !== '0';
  if (lists && depth === 'infinity') throw infinite();
  const quota = writer.needsQuota && tellsQuota(door, request) ? await door.fs.statfs(self.id, context) : undefined;
  const rows = new Rows(request, door, writer, quota);
  const head = MULTISTATUS_HEAD + (await rows.own(self));
  const headers = ['Content-Type', XML_TYPE, 'Cache-Control', 'no-store'];
  if (!lists) return { status: 207, headers, body: head + MULTISTATUS_TAIL };
  const found = pages(door.fs, self.id, context);
  const first = await found.next();
  const body = async (sink: Sink): Promise<void> =>
    stream(sink, rows, head, first.done ? undefined : first.value, found);
  return { status: 207, headers, body, release: async () => void (await found.return(undefined)) };
}

async function stream(
  sink: Sink,
  rows: Rows,
  head: string,
  first: Page | undefined,
  rest: AsyncIterable<Page>,
): Promise<void> {
  let text = head;
  if (first !== undefined) text = await rows.children(sink, text, first);
  if (first?.more === true) {
    // The client sees the first rows while the others are read.
    await sink.write(text);
    text = '';
  }
  for await (const page of rest) {
    // Everything may be answered at once, from the drive to the socket: let other requests have their turn.
    await setImmediate();
    text = await rows.children(sink, text, page);
  }
  await sink.write(text + MULTISTATUS_TAIL);
}

class Rows {
  readonly #request: DavRequest;
  readonly #door: Door;
  readonly #writer: RowWriter;
  readonly #quota: StatFs | undefined;
  readonly #base: string;

  constructor(request: DavRequest, door: Door, writer: RowWriter, quota: StatFs | undefined) {
    this.#request = request;
    this.#door = door;
    this.#writer = writer;
    this.#quota = quota;
    this.#base = hrefOf(request.path.names, true);
  }

  async own(attr: Attr): Promise<string> {
    const { names } = this.#request.path;
    return this.#row(attr, hrefOf(names, attr.kind === 'folder'), names);
  }

  /** Appends the rows of a page to `text`, sends what is enough for a chunk, answers what is left. */
  async children(sink: Sink, text: string, { entries }: Page): Promise<string> {
    for (const attr of entries) {
      const href = this.#base + encodeSegment(attr.name) + (attr.kind === 'folder' ? '/' : '');
      const row = this.#row(attr, href, undefined);
      text += typeof row === 'string' ? row : await row;
      if (text.length < CHUNK) continue;
      const waiting = sink.write(text);
      if (waiting instanceof Promise) await waiting;
      text = '';
    }
    return text;
  }

  /** `names` of the resource; left out for a child, whose path ends in its name. */
  #row(attr: Attr, href: string, names: readonly string[] | undefined): string | Promise<string> {
    const quota = this.#quota;
    const locks = this.#locks(attr, names);
    if (!this.#writer.needsXattrs) return this.#writer.write({ attr, href, quota, locks, xattrs: undefined });
    const xattrs = this.#door.fs.xattrs(attr.id, this.#request.context);
    if (!(xattrs instanceof Promise)) return this.#writer.write({ attr, href, quota, locks, xattrs });
    // A child that has gone since the page was read still has a row, as it would have had a moment ago.
    return xattrs.then(
      (xattrs) => this.#writer.write({ attr, href, quota, locks, xattrs }),
      () => this.#writer.write({ attr, href, quota, locks, xattrs: {} }),
    );
  }

  #locks(attr: Attr, names: readonly string[] | undefined): string {
    const { locks, now } = this.#door;
    if (!this.#writer.needsLocks || locks.size === 0) return NO_LOCKS;
    return lockDiscovery(locks.covering(names ?? [...this.#request.path.names, attr.name]), now());
  }
}

function isMinimal(request: DavRequest): boolean {
  const prefer = header(request, 'prefer') ?? '';
  return header(request, 'brief')?.trim().toLowerCase() === 't' || /\breturn\s*=\s*"?minimal"?/i.test(prefer);
}

function infinite(): DavError {
  const condition = { name: 'propfind-finite-depth' };
  return new DavError(403, 'A folder is listed with Depth 0 or 1 only.', { condition });
}
