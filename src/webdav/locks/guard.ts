import { DavError } from '../dav-error.ts';
import type { IfCondition, IfList } from '../if-header.ts';
import { parseIf, submittedTokens } from '../if-header.ts';
import { etagOf } from '../etag.ts';
import { lookupPath } from '../locate.ts';
import type { Door } from '../door.ts';
import { hrefOf, parsePath, splitTarget } from '../path.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';
import type { Lock } from './lock.ts';
import { lockKey } from './lock.ts';

type Names = readonly string[];

/** Most locked members that a response names. */
const MAX_NAMED = 100;

export const noTokens: ReadonlySet<string> = new Set();

/**
 * Evaluates the `If` field (RFC 4918 section 10.4) and resolves to the lock tokens that it submits.
 * @throws DavError 400 if it is malformed, 412 if no list holds
 */
export async function checkIf(request: DavRequest, door: Door): Promise<ReadonlySet<string>> {
  const field = header(request, 'if');
  if (field === undefined) return noTokens;
  const lists = parseIf(field);
  for (const list of lists) if (await holds(list, request, door)) return submittedTokens(lists);
  throw new DavError(412, 'No condition list of the If header holds; the file or its locks have changed.');
}

async function holds(list: IfList, request: DavRequest, door: Door): Promise<boolean> {
  const names = list.tag === undefined ? request.path.names : tagged(list.tag, door, request);
  if (names === undefined) return list.conditions.every((condition) => condition.not);
  const tokens = new Set(door.locks.covering(names).map((lock) => lock.token));
  const needsEtag = list.conditions.some((condition) => condition.what === 'etag');
  const attr = needsEtag ? await lookupPath(door.fs, names, request.context) : undefined;
  const etag = attr === undefined ? undefined : etagOf(attr);
  const state = (c: IfCondition): boolean => (c.what === 'etag' ? c.value === etag : tokens.has(c.value));
  return list.conditions.every((condition) => state(condition) !== condition.not);
}

/** The path of a resource tag; `undefined` if it is on another server or not a valid address. */
function tagged(tag: string, door: Door, request: DavRequest): Names | undefined {
  try {
    const { authority, path } = splitTarget(tag);
    if (authority !== undefined && !door.isOwn(authority, request.headers.host)) return undefined;
    return parsePath(path).names;
  } catch (error) {
    if (error instanceof DavError) return undefined;
    throw error;
  }
}

/** What a change affects, as far as locks are concerned. */
export interface Touched {
  /** The resource itself changes. */
  readonly names: Names;
  /** A name is added to or removed from its folder. */
  readonly membership: boolean;
  /** Everything below it is removed, too. */
  readonly tree: boolean;
}

/**
 * Checks that for each affected locked resource, the token of one of its locks was submitted (RFC 4918 sections 7 and
 * 6.2).
 * @throws DavError 423, which names the locked resources, members of a tree included
 */
export function requireTokens(door: Door, tokens: ReadonlySet<string>, touched: Touched): void {
  if (door.locks.size === 0) return;
  const { names, membership, tree } = touched;
  const resources = [names];
  if (membership && names.length > 0) resources.push(names.slice(0, -1));
  if (tree) resources.push(...door.locks.below(names).map((lock) => lock.names));
  const barring = resources.flatMap((resource) => barrier(door.locks.covering(resource), tokens));
  if (barring.length === 0) return;
  const message = 'The resource is locked and the request does not submit the lock token.';
  throw locked('lock-token-submitted', barring.slice(0, MAX_NAMED), message);
}

/** A lock on the resource, if none of the locks' tokens was submitted. */
function barrier(locks: readonly Lock[], tokens: ReadonlySet<string>): readonly Lock[] {
  return locks.some((lock) => tokens.has(lock.token)) ? [] : locks.slice(0, 1);
}

/** The locks that conflict with a new lock of this scope on the resource, and, with depth infinity, below it. */
export function conflicts(door: Door, names: Names, scope: Lock['scope'], deep: boolean): readonly Lock[] {
  const there = [...door.locks.covering(names), ...(deep ? door.locks.below(names) : [])];
  return scope === 'exclusive' ? there : there.filter((lock) => lock.scope === 'exclusive');
}

export function locked(condition: string, locks: readonly Lock[], message: string): DavError {
  const roots = new Map(locks.map((lock) => [lockKey(lock.names), hrefOf(lock.names, lock.folder)]));
  return new DavError(423, message, { condition: { name: condition, hrefs: [...roots.values()] } });
}
