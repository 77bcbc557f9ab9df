import type { Attr } from '../vfs/node.ts';
import { etagOf, parseEtags, strongEqual, weakEqual } from './etag.ts';
import { parseHttpDate } from './http-date.ts';
import { header } from './request.ts';
import type { DavRequest } from './request.ts';

/** `pass`, or the status of the response. */
export type ConditionResult = 'pass' | 304 | 412;

const fields = ['if-match', 'if-unmodified-since', 'if-none-match', 'if-modified-since'] as const;

/** True if the request has conditions on the current state of its target. */
export function isConditional({ headers }: DavRequest): boolean {
  return fields.some((field) => headers[field] !== undefined) || headers['if'] !== undefined;
}

/**
 * Evaluates the conditional fields against the node (`undefined`: there is none), in the order of RFC 9110 section
 * 13.2.2. To be called only if the request would otherwise succeed.
 */
export function evaluate(request: DavRequest, attr: Attr | undefined): ConditionResult {
  const match = header(request, 'if-match');
  if (match !== undefined) {
    if (!matches(match, attr, strongEqual)) return 412;
  } else if (!unmodifiedSince(header(request, 'if-unmodified-since'), attr)) {
    return 412;
  }
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const noneMatch = header(request, 'if-none-match');
  if (noneMatch !== undefined) {
    if (matches(noneMatch, attr, weakEqual)) return reads ? 304 : 412;
  } else if (reads && !modifiedSince(header(request, 'if-modified-since'), attr)) {
    return 304;
  }
  return 'pass';
}

/** RFC 9110 section 13.1.5: whether a `Range` still refers to the same content. */
export function ifRange(request: DavRequest, attr: Attr): boolean {
  const field = header(request, 'if-range')?.trim();
  if (field === undefined) return true;
  if (field.endsWith('"')) return strongEqual(field, etagOf(attr) ?? '');
  const date = parseHttpDate(field);
  return date !== undefined && seconds(attr.mtime) === seconds(date);
}

function matches(field: string, attr: Attr | undefined, equal: (a: string, b: string) => boolean): boolean {
  if (attr === undefined) return false;
  const tags = parseEtags(field);
  if (tags === '*') return true;
  const own = etagOf(attr);
  return own !== undefined && tags.some((tag) => equal(tag, own));
}

function unmodifiedSince(field: string | undefined, attr: Attr | undefined): boolean {
  const date = field === undefined || attr === undefined ? undefined : parseHttpDate(field);
  return date === undefined || attr === undefined || seconds(attr.mtime) <= seconds(date);
}

function modifiedSince(field: string | undefined, attr: Attr | undefined): boolean {
  const date = field === undefined || attr === undefined || attr.kind === 'folder' ? undefined : parseHttpDate(field);
  return date === undefined || attr === undefined || seconds(attr.mtime) > seconds(date);
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
