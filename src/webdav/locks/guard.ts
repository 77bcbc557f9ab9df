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

/** Locked members that an answer names. */
const MAX_NAMED = 100;

export const noTokens: ReadonlySet<string> = new Set();

/**
 * Evaluates the `If` field (RFC 4918 section 10.4) and answers the lock tokens it submits.
 * @throws DavError 400 where it is malformed, 412 where no list holds
 */
export async function checkIf(request: DavRequest, door: Door): Promise<ReadonlySet<string>> {
  const field = header(request, 'if');
  if (field === undefined) return noTokens;
  const lists = parseIf(field);
  for (const list of lists) if (await holds(list, request, door)) return submittedTokens(lists);
  throw new DavError(412, 'The If header does not hold.');
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

/** Names of a resource tag; `undefined` if it is on another server or no address at all. */
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

/** What a change touches, as far as locks are concerned. */
export interface Touched {
  /** The resource itself changes. */
  readonly names: Names;
  /** A name is added to or removed from its folder. */
  readonly membership: boolean;
  /** Everything below it is removed, too. */
  readonly tree: boolean;
}

/**
 * RFC 4918 sections 7 and 6.2: under locks, one token of those that protect a resource must have been submitted.
 * @throws DavError 423, which names all that is locked, also members of a tree
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

/** One of the locks on a resource, if none of their tokens was submitted. */
function barrier(locks: readonly Lock[], tokens: ReadonlySet<string>): readonly Lock[] {
  return locks.some((lock) => tokens.has(lock.token)) ? [] : locks.slice(0, 1);
}

/** The locks that forbid a new one with this scope on the resource, and, with depth infinity, below it. */
export function conflicts(door: Door, names: Names, scope: Lock['scope'], deep: boolean): readonly Lock[] {
  const there = [...door.locks.covering(names), ...(deep ? door.locks.below(names) : [])];
  return scope === 'exclusive' ? there : there.filter((lock) => lock.scope === 'exclusive');
}

export function locked(condition: string, locks: readonly Lock[], message: string): DavError {
  const roots = new Map(locks.map((lock) => [lockKey(lock.names), hrefOf(lock.names, lock.folder)]));
  return new DavError(423, message, { condition: { name: condition, hrefs: [...roots.values()] } });
}
