import { NAME_MAX, PATH_MAX } from '../vfs/name.ts';
import { DavError } from './dav-error.ts';

/** The path of a request, decoded. */
export interface DavPath {
  /** One name per segment; none for the root. */
  readonly names: readonly string[];
  /** Whether the address ended in `/`. */
  readonly slash: boolean;
}

// eslint-disable-next-line no-control-regex
const nonAscii = /[^\u0000-\u007f]/;
const absolute = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i;
const lone = /\p{Surrogate}/gu;
const plain = /^[\w.~-]*$/;

/** A request target (RFC 9112 section 3.2) or `Destination`, split but not decoded. */
export interface RawTarget {
  /** Present only in absolute URLs. */
  readonly authority: string | undefined;
  /** Begins with `/`; without the query. */
  readonly path: string;
}

/** @throws DavError 400 */
export function splitTarget(raw: string): RawTarget {
  const absoluteForm = raw.startsWith('/') ? null : absolute.exec(raw);
  if (absoluteForm === null && !raw.startsWith('/'))
    throw new DavError(400, 'The address must be an absolute path or an http URL.');
  const rest = absoluteForm === null ? raw : raw.slice(absoluteForm[0].length) || '/';
  if (rest.includes('#')) throw new DavError(400, 'An address cannot have a fragment; write # in a name as %23.');
  const query = rest.indexOf('?');
  return { authority: absoluteForm?.[1], path: query < 0 ? rest : rest.slice(0, query) };
}

/**
 * Decodes a path that begins with `/`. Doubled slashes count once.
 * @throws DavError 400 for bad escapes, bad UTF-8, `.`, `..`, `%2F` and `%00`; 414 if it is too long
 */
export function parsePath(path: string): DavPath {
  const text = nonAscii.test(path) ? utf8(path) : path;
  const names: string[] = [];
  let bytes = 0;
  for (const segment of text.split('/')) {
    if (segment === '') continue;
    const name = decodeSegment(segment);
    const length = Buffer.byteLength(name);
    if (length > NAME_MAX) throw new DavError(414, `A name can have at most ${NAME_MAX} bytes.`);
    bytes += length + 1;
    names.push(name);
  }
  if (bytes > PATH_MAX) throw new DavError(414, `A path can have at most ${PATH_MAX} bytes.`);
  return { names, slash: text.endsWith('/') };
}

function decodeSegment(segment: string): string {
  const name = segment.includes('%') ? unescape(segment) : segment;
  if (name === '.' || name === '..') throw new DavError(400, 'The segments . and .. are not allowed in an address.');
  if (name.includes('/')) throw new DavError(400, 'A name cannot contain a slash, written %2F or otherwise.');
  if (name.includes('\0')) throw new DavError(400, 'A name cannot contain the character NUL.');
  return name;
}

function unescape(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new DavError(400, 'The address has an invalid percent escape; write % in a name as %25.');
  }
}

/** Decodes unescaped UTF-8, which some clients send. Node decodes non-ASCII bytes as Latin-1. */
function utf8(latin1: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(latin1, 'latin1'));
  } catch {
    throw new DavError(400, 'The address is not valid UTF-8.');
  }
}

/** A segment, escaped so that `#`, `?`, `%`, `;` and `&` are safe in addresses and in XML. */
export function encodeSegment(name: string): string {
  return plain.test(name) ? name : encodeURIComponent(name.replaceAll(lone, '\ufffd'));
}

/** The path as a path-absolute reference; a folder's ends in `/`. */
export function hrefOf(names: readonly string[], folder: boolean): string {
  if (names.length === 0) return '/';
  return `/${names.map(encodeSegment).join('/')}${folder ? '/' : ''}`;
}
