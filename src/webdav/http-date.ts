/** Dates of HTTP (RFC 9110 section 5.6.7) and of RFC 3339. */

const FIRST = Date.UTC(1601, 0, 1);
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59);
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const imf = /^(?:[a-z]{3}, )?(\d{1,2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:gmt|utc|[+-]0000)$/i;
const rfc850 = /^[a-z]{6,9}, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) gmt$/i;
const asctime = /^[a-z]{3} ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/i;
const iso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i;

/** `Sun, 06 Nov 1994 08:49:37 GMT`; the fraction of the second is cut off. */
export function formatHttpDate(ms: number): string {
  return new Date(clamp(ms)).toUTCString();
}

/** `1994-11-06T08:49:37Z`, RFC 3339 in UTC. */
export function formatIsoDate(ms: number): string {
  return `${new Date(clamp(ms)).toISOString().slice(0, 19)}Z`;
}

/** Milliseconds since 1970 of any of the three forms HTTP knows; `undefined` for all else. */
export function parseHttpDate(text: string): number | undefined {
  const value = text.trim();
  let m = imf.exec(value);
  if (m) return utc(m[3], m[2], m[1], m[4], m[5], m[6]);
  m = rfc850.exec(value);
  if (m) return utc(century(m[3]), m[2], m[1], m[4], m[5], m[6]);
  m = asctime.exec(value);
  if (m) return utc(m[6], m[1], m[2], m[3], m[4], m[5]);
  return undefined;
}

/** Milliseconds since 1970 of an RFC 3339 time, or of an HTTP date, which some clients send instead. */
export function parseIsoDate(text: string): number | undefined {
  const value = text.trim();
  if (!iso.test(value)) return parseHttpDate(value);
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

function utc(year?: string, month?: string, ...rest: (string | undefined)[]): number | undefined {
  const index = months.indexOf((month ?? '').toLowerCase());
  const [day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number);
  if (index < 0 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const ms = Date.UTC(Number(year), index, day, hour, minute, second);
  return new Date(ms).getUTCMonth() === index || second === 60 ? ms : undefined;
}

/** RFC 9110: a two-digit year more than 50 years ahead belongs to the century before; taken against a fixed pivot. */
function century(two = '0'): string {
  return String(Number(two) + (Number(two) >= 70 ? 1900 : 2000));
}

function clamp(ms: number): number {
  return Number.isFinite(ms) ? Math.min(Math.max(ms, FIRST), LAST) : 0;
}
