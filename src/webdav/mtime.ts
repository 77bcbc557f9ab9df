import { header } from './request.ts';
import type { DavRequest } from './request.ts';

const DAY = 86_400_000;
/** A clock may be wrong by some, a camera's by years; later than this is no time anybody meant. */
const AHEAD = 366 * DAY;

/**
 * True for a time worth keeping. Clients that do not know a file's time send the start of their epoch (1601, 1970) or
 * garbage; taking that for real loses the true time and confuses every sync tool.
 */
export function plausible(ms: number | undefined, now: number): ms is number {
  return ms !== undefined && ms > DAY && ms < now + AHEAD;
}

export interface RequestedTime {
  /** Milliseconds; `undefined` if none was sent or it was refused. */
  readonly mtime: number | undefined;
  /** For the answer. */
  readonly headers: readonly string[];
}

const none: RequestedTime = { mtime: undefined, headers: [] };

/** `X-OC-Mtime` (ownCloud's, sent by gvfs and rclone): Unix seconds, with a fraction if need be. */
export function requestedTime(request: DavRequest, now: number): RequestedTime {
  const field = header(request, 'x-oc-mtime');
  if (field === undefined || !/^\s*\d+(?:\.\d+)?\s*$/.test(field)) return none;
  const mtime = Number(field) * 1000;
  return plausible(mtime, now) ? { mtime, headers: ['X-OC-Mtime', 'accepted'] } : none;
}
