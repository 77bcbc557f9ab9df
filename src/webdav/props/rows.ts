import type { Attr, StatFs, Xattrs } from '../../vfs/node.ts';
import { statusLine } from '../multistatus.ts';
import type { TextOut } from '../text-sink.ts';
import { DAV, FJORD } from '../xml/element.ts';
import { allDead, findDead, xattrName } from './dead.ts';
import type { LiveValue, Resource } from './live.ts';
import { LIVE, NO_LOCKS } from './live.ts';
import type { PropfindRequest } from './propfind-request.ts';
import type { PropertyName } from './property-name.ts';
import { clark, emptyElement, fromClark } from './property-name.ts';

/** The data of one `DAV:response` of a multistatus. */
export interface Row extends Resource {
  readonly attr: Attr;
  readonly href: string;
  /** Extended attributes; `undefined` unless `needsXattrs`. */
  readonly xattrs: Xattrs | undefined;
  readonly quota: StatFs | undefined;
}

/** A PROPFIND that is compiled once and then used for every resource. */
export interface RowWriter {
  readonly needsXattrs: boolean;
  readonly needsLocks: boolean;
  readonly needsQuota: boolean;
  readonly needsFacts: boolean;
  write(row: Row, out: TextOut): void;
}

const HEAD = '<D:response><D:href>';
const HEAD_END = '</D:href>';
const TAIL = '</D:response>';
const OK = `</D:prop>${statusLine(200)}</D:propstat>`;
const NOT_FOUND = `</D:prop>${statusLine(404)}</D:propstat>`;
const OPEN = '<D:propstat><D:prop>';

/** @param minimal omits properties that were not found (RFC 8144 section 2.1, Microsoft's `Brief: t`) */
export function rowWriter(request: PropfindRequest, minimal: boolean): RowWriter {
  if (request.what === 'names') return new NamesWriter();
  if (request.what === 'named') return new NamedWriter(request.properties, minimal);
  return new AllWriter(new NamedWriter(request.include, minimal));
}

interface Step {
  readonly missing: string;
  find(row: Row): string | undefined;
}

class NamedWriter implements RowWriter {
  readonly needsXattrs: boolean;
  readonly needsLocks: boolean;
  readonly needsQuota: boolean;
  readonly needsFacts: boolean;
  readonly #steps: readonly Step[];
  /** The values of the current row. */
  readonly #values: (string | undefined)[];
  readonly #minimal: boolean;

  constructor(names: readonly PropertyName[], minimal: boolean) {
    const keys = names.map(clark);
    this.needsXattrs = names.some(isDead);
    this.needsLocks = keys.includes('{DAV:}lockdiscovery');
    this.needsQuota = keys.some((key) => key.startsWith('{DAV:}quota-'));
    this.needsFacts = names.some(({ namespace }) => namespace === FJORD);
    this.#steps = names.map(stepFor);
    this.#values = names.map(() => undefined);
    this.#minimal = minimal;
  }

  write(row: Row, out: TextOut): void {
    begin(row.href, out);
    this.propstats(row, [], out);
    out.put(TAIL);
  }

  /** @param others elements of further properties, besides the named ones */
  propstats(row: Row, others: readonly string[], out: TextOut): void {
    const missing = this.#find(row);
    const found = others.length > 0 || this.#values.some((value) => value !== undefined);
    if (found || missing === '' || this.#minimal) {
      out.put(OPEN);
      for (const value of others) out.put(value);
      for (const value of this.#values) if (value !== undefined) out.put(value);
      out.put(OK);
    }
    if (missing === '' || this.#minimal) return;
    out.put(OPEN);
    out.put(missing);
    out.put(NOT_FOUND);
  }

  /** Looks up the values of the row. Returns the elements of those that it lacks. */
  #find(row: Row): string {
    let missing = '';
    let at = 0;
    for (const step of this.#steps) {
      const value = step.find(row);
      this.#values[at++] = value;
      if (value === undefined) missing += step.missing;
    }
    return missing;
  }
}

class AllWriter implements RowWriter {
  readonly needsXattrs = true;
  readonly needsLocks = true;
  readonly needsQuota: boolean;
  readonly needsFacts: boolean;
  readonly #include: NamedWriter;
  readonly #common = [...LIVE.values()].filter(({ common }) => common).map(({ make }) => make());

  constructor(include: NamedWriter) {
    this.#include = include;
    this.needsQuota = include.needsQuota;
    this.needsFacts = include.needsFacts;
  }

  write(row: Row, out: TextOut): void {
    const found: string[] = [];
    for (const value of this.#common) {
      const text = worthSaying(value(row));
      if (text !== undefined) found.push(text);
    }
    for (const { xml } of allDead(row.xattrs ?? {})) found.push(xml);
    begin(row.href, out);
    this.#include.propstats(row, found, out);
    out.put(TAIL);
  }
}

class NamesWriter implements RowWriter {
  readonly needsXattrs = true;
  readonly needsLocks = false;
  readonly needsQuota = false;
  readonly needsFacts = true;
  readonly #live = [...LIVE].map(([key, { make }]) => ({ value: make(), element: emptyElement(fromClark(key)) }));

  write(row: Row, out: TextOut): void {
    begin(row.href, out);
    out.put(OPEN);
    for (const { value, element } of this.#live) if (value(row) !== undefined) out.put(element);
    for (const { name } of allDead(row.xattrs ?? {})) out.put(emptyElement(name));
    out.put(OK);
    out.put(TAIL);
  }
}

/** Drops an empty `lockdiscovery`, as Explorer reads at most 1 MB of `allprop` for a folder. */
function worthSaying(value: ReturnType<LiveValue>): string | undefined {
  return value === NO_LOCKS ? undefined : value;
}

function stepFor(name: PropertyName): Step {
  const missing = emptyElement(name);
  const live = LIVE.get(clark(name));
  if (live !== undefined) return { missing, find: live.make() };
  if (name.namespace === DAV) return { missing, find: () => undefined };
  const attribute = xattrName(name);
  return { missing, find: ({ xattrs }) => (xattrs === undefined ? undefined : findDead(xattrs, attribute)) };
}

/** No dead property is in the `DAV:` namespace, so requests for only that namespace need no extended attributes. */
function isDead(name: PropertyName): boolean {
  return name.namespace !== DAV && !LIVE.has(clark(name));
}

function begin(href: string, out: TextOut): void {
  out.put(HEAD);
  out.put(href);
  out.put(HEAD_END);
}
