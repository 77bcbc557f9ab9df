import type { Attr, StatFs, Xattrs } from '../../vfs/node.ts';
import { statusLine } from '../multistatus.ts';
import { DAV } from '../xml/element.ts';
import { allDead, findDead, xattrName } from './dead.ts';
import type { LiveProperty, Resource } from './live.ts';
import { LIVE, NO_LOCKS } from './live.ts';
import type { PropfindRequest } from './propfind-request.ts';
import type { PropertyName } from './property-name.ts';
import { clark, emptyElement, fromClark } from './property-name.ts';

/** One `DAV:response` of a multistatus. */
export interface Row extends Resource {
  readonly attr: Attr;
  readonly href: string;
  /** Extended attributes; `undefined` unless `needsXattrs`. */
  readonly xattrs: Xattrs | undefined;
  readonly quota: StatFs | undefined;
}

/** A PROPFIND compiled once, then asked for every resource. */
export interface RowWriter {
  readonly needsXattrs: boolean;
  readonly needsLocks: boolean;
  readonly needsQuota: boolean;
  write(row: Row): string;
}

const OK = `</D:prop>${statusLine(200)}</D:propstat>`;
const NOT_FOUND = `</D:prop>${statusLine(404)}</D:propstat>`;
const OPEN = '<D:propstat><D:prop>';

/** `minimal`: leave out what was not found (RFC 8144 section 2.1, Microsoft's `Brief: t`). */
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
  readonly #steps: readonly Step[];
  readonly #minimal: boolean;

  constructor(names: readonly PropertyName[], minimal: boolean) {
    const keys = names.map(clark);
    this.needsXattrs = names.some(isDead);
    this.needsLocks = keys.includes('{DAV:}lockdiscovery');
    this.needsQuota = keys.some((key) => key.startsWith('{DAV:}quota-'));
    this.#steps = names.map(stepFor);
    this.#minimal = minimal;
  }

  write(row: Row): string {
    return response(row.href, this.propstats(row, ''));
  }

  /** `found`: properties that are there besides the named ones. */
  propstats(row: Row, found: string): string {
    let missing = '';
    for (const step of this.#steps) {
      const value = step.find(row);
      if (value === undefined) missing += step.missing;
      else found += value;
    }
    if (missing === '' || this.#minimal) return OPEN + found + OK;
    return (found === '' ? '' : OPEN + found + OK) + OPEN + missing + NOT_FOUND;
  }
}

class AllWriter implements RowWriter {
  readonly needsXattrs = true;
  readonly needsLocks = true;
  readonly needsQuota: boolean;
  readonly #include: NamedWriter;
  readonly #common = [...LIVE.values()].filter(({ common }) => common);

  constructor(include: NamedWriter) {
    this.#include = include;
    this.needsQuota = include.needsQuota;
  }

  write(row: Row): string {
    let found = '';
    for (const property of this.#common) found += valueIn(property, row) ?? '';
    for (const { xml } of allDead(row.xattrs ?? {})) found += xml;
    return response(row.href, this.#include.propstats(row, found));
  }
}

class NamesWriter implements RowWriter {
  readonly needsXattrs = true;
  readonly needsLocks = false;
  readonly needsQuota = false;
  readonly #live = [...LIVE].map(([key, property]) => ({ property, element: emptyElement(fromClark(key)) }));

  write(row: Row): string {
    let found = '';
    for (const { property, element } of this.#live) if (property.value(row) !== undefined) found += element;
    for (const { name } of allDead(row.xattrs ?? {})) found += emptyElement(name);
    return response(row.href, OPEN + found + OK);
  }
}

/** An empty `lockdiscovery` says nothing; Explorer reads at most 1 MB of `allprop` for a folder. */
function valueIn(property: LiveProperty, row: Row): string | undefined {
  const value = property.value(row);
  return value === NO_LOCKS ? undefined : value;
}

function stepFor(name: PropertyName): Step {
  const missing = emptyElement(name);
  const live = LIVE.get(clark(name));
  if (live !== undefined) return { missing, find: live.value };
  if (name.namespace === DAV) return { missing, find: () => undefined };
  const attribute = xattrName(name);
  return { missing, find: ({ xattrs }) => (xattrs === undefined ? undefined : findDead(xattrs, attribute)) };
}

/** No dead property is in the `DAV:` namespace, so clients that stay in it cost no look at the attributes. */
function isDead(name: PropertyName): boolean {
  return name.namespace !== DAV && !LIVE.has(clark(name));
}

function response(href: string, propstats: string): string {
  return `<D:response><D:href>${href}</D:href>${propstats}</D:response>`;
}
