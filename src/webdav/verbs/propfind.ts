import type { Page } from '../../vfs/file-system.ts';
import type { Awaitable } from '../../vfs/context.ts';
import { isGone } from '../../vfs/fs-error.ts';
import type { Attr, StatFs, Xattrs } from '../../vfs/node.ts';
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
import { TextSink, TextString, type TextOut } from '../text-sink.ts';

/**
 * Streams the properties of a resource and, with Depth 1, of its children. The memory used does not depend on their
 * number.
 */
export async function propfind(request: DavRequest, door: Door): Promise<Outcome> {
  const { context } = request;
  const depth = header(request, 'depth')?.trim().toLowerCase() ?? 'infinity';
  if (depth !== '0' && depth !== '1' && depth !== 'infinity')
    throw new DavError(400, 'Depth must be 0, 1 or infinity.');
  const writer = rowWriter(parsePropfind(await request.body.xml()), isMinimal(request));
  const self = await find(door.fs, request.path, context);
  if (request.headers['if'] !== undefined) await checkIf(request, door);
  const lists = self.kind === 'folder' && depth !== '0';
  if (lists && depth === 'infinity') throw infinite();
  const quota = writer.needsQuota && tellsQuota(door, request) ? await door.fs.statfs(self.id, context) : undefined;
  const rows = new Rows(request, door, writer, quota);
  const head = new TextString();
  head.put(MULTISTATUS_HEAD);
  await rows.own(self, head);
  const headers = ['Content-Type', XML_TYPE, 'Cache-Control', 'no-store'];
  if (!lists) return { status: 207, headers, body: head.text + MULTISTATUS_TAIL };
  const found = pages(door.fs, self.id, context);
  const first = await found.next();
  const body = async (sink: Sink): Promise<void> =>
    stream(new TextSink(sink, door.textMemory), rows, head.text, first.done ? undefined : first.value, found);
  return { status: 207, headers, body, release: async () => void (await found.return(undefined)) };
}

async function stream(
  out: TextSink,
  rows: Rows,
  head: string,
  first: Page | undefined,
  rest: AsyncIterable<Page>,
): Promise<void> {
  out.put(head);
  if (first !== undefined) await rows.children(first, out);
  // The client receives the first rows while the others are read.
  if (first?.more === true) await out.flush();
  for await (const page of rest) {
    // If neither the drive nor the socket ever waits, this loop would starve other requests.
    await setImmediate();
    await rows.children(page, out);
  }
  out.put(MULTISTATUS_TAIL);
  await out.flush();
}

/** What was read for a row beyond its attributes, as far as it is needed. */
interface Found {
  readonly xattrs?: Xattrs | undefined;
  readonly facts?: Readonly<Record<string, string>> | undefined;
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

  own(attr: Attr, out: TextOut): Awaitable<void> {
    const { names } = this.#request.path;
    return this.#row(attr, hrefOf(names, attr.kind === 'folder'), names, out);
  }

  /** Writes the rows of a page, except for nodes that were removed after the page was read. */
  async children({ entries }: Page, out: TextSink): Promise<void> {
    for (const attr of entries) {
      const href = this.#base + encodeSegment(attr.name) + (attr.kind === 'folder' ? '/' : '');
      try {
        const waiting = this.#row(attr, href, undefined, out);
        if (waiting instanceof Promise) await waiting;
      } catch (error) {
        // The rest of the response must not depend on the extended attributes of one child.
        if (!isGone(error)) this.#write(attr, href, undefined, { xattrs: {} }, out);
      }
      if (out.isFull) await out.send();
    }
  }

  /** @param names the path of the resource; omitted for a child, whose path ends in its name */
  #row(attr: Attr, href: string, names: readonly string[] | undefined, out: TextOut): Awaitable<void> {
    const { needsXattrs, needsFacts } = this.#writer;
    if (!needsXattrs && !needsFacts) return this.#write(attr, href, names, {}, out);
    const { fs } = this.#door;
    const { context } = this.#request;
    const xattrs = needsXattrs ? fs.xattrs(attr.id, context) : undefined;
    const facts = needsFacts ? fs.facts?.(attr.id, context) : undefined;
    if (xattrs instanceof Promise || facts instanceof Promise) {
      return Promise.all([xattrs, facts]).then(([xattrs, facts]) =>
        this.#write(attr, href, names, { xattrs, facts }, out),
      );
    }
    return this.#write(attr, href, names, { xattrs, facts }, out);
  }

  #write(attr: Attr, href: string, names: readonly string[] | undefined, { xattrs, facts }: Found, out: TextOut): void {
    this.#writer.write({ attr, href, quota: this.#quota, locks: this.#locks(attr, names), xattrs, facts }, out);
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
  return new DavError(403, 'A folder can only be listed with Depth 0 or 1.', { condition });
}
