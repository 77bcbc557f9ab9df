import { header } from './request.ts';
import type { DavRequest } from './request.ts';

const DAY = 86_400_000;
/** How far in the future a plausible time may be, ms. Clocks may be wrong, but later times are not meant. */
const AHEAD = 366 * DAY;

/**
 * True for a time that can be a file's real one. Clients that do not know the time of a file send the start of their
 * epoch (1601, 1970) or garbage; storing that would lose the true time and confuse sync tools.
 */
export function plausible(ms: number | undefined, now: number): ms is number {
  return ms !== undefined && ms > DAY && ms < now + AHEAD;
}

export interface RequestedTime {
  /** Milliseconds since 1970; `undefined` if none was sent or it is implausible. */
  readonly mtime: number | undefined;
  /** Headers of the response. */
  readonly headers: readonly string[];
}

const none: RequestedTime = { mtime: undefined, headers: [] };

/** Parses `X-OC-Mtime` (from ownCloud; sent by gvfs and rclone): Unix seconds, possibly with a fraction. */
export function requestedTime(request: DavRequest, now: number): RequestedTime {
  const field = header(request, 'x-oc-mtime');
  if (field === undefined || !/^\s*\d+(?:\.\d+)?\s*$/.test(field)) return none;
  const mtime = Number(field) * 1000;
  return plausible(mtime, now) ? { mtime, headers: ['X-OC-Mtime', 'accepted'] } : none;
}
