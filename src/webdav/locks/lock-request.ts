import { DavError } from '../dav-error.ts';
import type { XmlElement } from '../xml/element.ts';
import { davChild, isDav } from '../xml/element.ts';
import { writeContent } from '../xml/writer.ts';
import type { Scope } from './lock.ts';

/** The body of a LOCK request for a new lock. */
export interface LockInfo {
  readonly scope: Scope;
  /** Content of the owner element as XML. */
  readonly owner: string;
}

const MAX_OWNER = 8192;

/** Parses the body of LOCK; `undefined` for the empty body of a refresh. @throws DavError 400, 422 */
export function parseLockInfo(root: XmlElement | undefined): LockInfo | undefined {
  if (root === undefined) return undefined;
  if (!isDav(root, 'lockinfo')) throw new DavError(400, 'The body of LOCK is not a DAV:lockinfo element.');
  const scope = davChild(root, 'lockscope');
  const type = davChild(root, 'locktype');
  if (scope === undefined || type === undefined) throw new DavError(400, 'A lock needs its scope and its type.');
  if (davChild(type, 'write') === undefined) throw new DavError(422, 'Only write locks are supported.');
  const exclusive = davChild(scope, 'exclusive') !== undefined;
  if (exclusive === (davChild(scope, 'shared') !== undefined))
    throw new DavError(400, 'The scope of a lock must be exclusive or shared.');
  const element = davChild(root, 'owner');
  const owner = element === undefined ? '' : writeContent(element);
  if (owner.length > MAX_OWNER)
    throw new DavError(413, `The owner of a lock can have at most ${MAX_OWNER} characters.`);
  return { scope: exclusive ? 'exclusive' : 'shared', owner };
}

/**
 * The timeout of a lock, ms: the first usable value of a `Timeout` field, limited to between a second and `longest`.
 */
export function parseTimeout(field: string | undefined, longest: number): number {
  for (const part of (field ?? '').split(',')) {
    const m = /^\s*(?:second-(\d+)|(infinite))\s*$/i.exec(part);
    if (m) return m[2] === undefined ? Math.min(Math.max(Number(m[1]), 1) * 1000, longest) : longest;
  }
  return longest;
}
