import { hrefOf } from '../path.ts';
import { escapeText } from '../xml/escape.ts';

export type Scope = 'exclusive' | 'shared';
export type Depth = '0' | 'infinity';

/** A write lock (RFC 4918 section 6). A plain value, fit for JSON. */
export interface Lock {
  /** `opaquelocktoken:` and a UUID, without angle brackets. */
  readonly token: string;
  /** The lock root: names of its path as asked for. */
  readonly names: readonly string[];
  readonly folder: boolean;
  readonly scope: Scope;
  readonly depth: Depth;
  /** Content of the owner element as XML that stands for itself; '' if none. */
  readonly owner: string;
  /** Lease that was granted, ms. */
  readonly timeout: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** Key of a path: what is the same name after Unicode normalisation has the same key. The root's is ''. */
export function lockKey(names: readonly string[]): string {
  return names.length === 0 ? '' : `/${names.join('/').normalize('NFC')}`;
}

/** Keys of the folders above, nearest first; none for the root. */
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

/** RFC 4918 section 15.8; `D` is bound to `DAV:` around it. */
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
