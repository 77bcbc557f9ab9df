import { hrefOf } from '../path.ts';
import { escapeText } from '../xml/escape.ts';

export type Scope = 'exclusive' | 'shared';
export type Depth = '0' | 'infinity';

/** A write lock (RFC 4918 section 6), as a plain value that can be stored as JSON. */
export interface Lock {
  /** `opaquelocktoken:` and a UUID, without angle brackets. */
  readonly token: string;
  /** The lock root: the names of its path as requested. */
  readonly names: readonly string[];
  readonly folder: boolean;
  readonly scope: Scope;
  readonly depth: Depth;
  /** Content of the owner element as self-contained XML; '' if there is none. */
  readonly owner: string;
  /** The granted timeout, ms. */
  readonly timeout: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** Key of a path. Names that are equal after Unicode normalisation have equal keys. The root's key is ''. */
export function lockKey(names: readonly string[]): string {
  return names.length === 0 ? '' : `/${names.join('/').normalize('NFC')}`;
}

/** Keys of the folders above a path, nearest first; none for the root. */
export function* ancestors(key: string): Generator<string> {
  for (let cut = key.lastIndexOf('/'); cut >= 0; cut = key.lastIndexOf('/', cut - 1)) {
    yield key.slice(0, cut);
    if (cut === 0) return;
  }
}

export const SUPPORTED_LOCK =
  '<D:supportedlock>' +
  '<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>' +
  '<D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>' +
  '</D:supportedlock>';

/** The `DAV:lockdiscovery` element (RFC 4918 section 15.8). The surrounding XML must bind `D` to `DAV:`. */
export function lockDiscovery(locks: readonly Lock[], now: number): string {
  if (locks.length === 0) return '<D:lockdiscovery/>';
  return `<D:lockdiscovery>${locks.map((lock) => activeLock(lock, now)).join('')}</D:lockdiscovery>`;
}

function activeLock(lock: Lock, now: number): string {
  const seconds = Math.max(1, Math.round((lock.expires - now) / 1000));
  return (
    `<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:${lock.scope}/></D:lockscope>` +
    `<D:depth>${lock.depth}</D:depth>${lock.owner === '' ? '' : `<D:owner>${lock.owner}</D:owner>`}` +
    `<D:timeout>Second-${seconds}</D:timeout>` +
    `<D:locktoken><D:href>${escapeText(lock.token)}</D:href></D:locktoken>` +
    `<D:lockroot><D:href>${hrefOf(lock.names, lock.folder)}</D:href></D:lockroot></D:activelock>`
  );
}
