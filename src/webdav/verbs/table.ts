import type { Awaitable } from '../../vfs/context.ts';
import type { Door } from '../door.ts';
import type { Method } from '../method.ts';
import type { Outcome } from '../outcome.ts';
import type { DavRequest } from '../request.ts';
import { copy } from './copy.ts';
import { remove } from './delete.ts';
import { get } from './get.ts';
import { lock } from './lock.ts';
import { mkcol } from './mkcol.ts';
import { move } from './move.ts';
import { options } from './options.ts';
import { propfind } from './propfind.ts';
import { proppatch } from './proppatch.ts';
import { put } from './put.ts';
import { unlock } from './unlock.ts';

/** Resolves to the outcome of a request, or throws an `FsError` or `DavError`. Sends and logs nothing itself. */
export type Verb = (request: DavRequest, door: Door) => Awaitable<Outcome>;

export const VERBS: Readonly<Record<Method, Verb>> = {
  OPTIONS: options,
  HEAD: get,
  GET: get,
  PUT: put,
  DELETE: remove,
  MKCOL: mkcol,
  COPY: copy,
  MOVE: move,
  PROPFIND: propfind,
  PROPPATCH: proppatch,
  LOCK: lock,
  UNLOCK: unlock,
};
