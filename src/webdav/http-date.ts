/** Formats and parses the dates of HTTP (RFC 9110 section 5.6.7) and of RFC 3339. */

const FIRST = Date.UTC(1601, 0, 1);
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59);
/** Seconds. */
const DAY = 86_400;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
/** `00` to `99`. */
const TWO = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0'));

const imf = /^(?:[a-z]{3}, )?(\d{1,2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:gmt|utc|[+-]0000)$/i;
const rfc850 = /^[a-z]{6,9}, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) gmt$/i;
const asctime = /^[a-z]{3} ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/i;
const iso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i;

/** `Sun, 06 Nov 1994 08:49:37 GMT`; the fraction of the second is cut off. */
export function formatHttpDate(ms: number): string {
  const seconds = Math.floor(clamp(ms) / 1000);
  const days = Math.floor(seconds / DAY);
  const { year, month, day } = civil(days);
  return `${WEEKDAYS[(((days + 4) % 7) + 7) % 7]}, ${TWO[day]} ${MONTHS[month]} ${pad(year)} ${clock(seconds - days * DAY)} GMT`;
}

/** `1994-11-06T08:49:37Z`, RFC 3339 in UTC. */
export function formatIsoDate(ms: number): string {
  const seconds = Math.floor(clamp(ms) / 1000);
  const days = Math.floor(seconds / DAY);
  const { year, month, day } = civil(days);
  return `${pad(year)}-${TWO[month + 1]}-${TWO[day]}T${clock(seconds - days * DAY)}Z`;
}

/** Parses any of the three date forms of HTTP to milliseconds since 1970; `undefined` for any other text. */
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

/** Parses an RFC 3339 time, or an HTTP date, which some clients send instead, to milliseconds since 1970. */
export function parseIsoDate(text: string): number | undefined {
  const value = text.trim();
  if (!iso.test(value)) return parseHttpDate(value);
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

function utc(year?: string, month?: string, ...rest: (string | undefined)[]): number | undefined {
  const index = MONTHS.findIndex((name) => name.toLowerCase() === month?.toLowerCase());
  const [day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number);
  if (index < 0 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const ms = Date.UTC(Number(year), index, day, hour, minute, second);
  return new Date(ms).getUTCMonth() === index || second === 60 ? ms : undefined;
}

/**
 * The century of a two-digit year. RFC 9110 puts years more than 50 years ahead into the past; a fixed pivot stands for
 * that.
 */
function century(two = '0'): string {
  return String(Number(two) + (Number(two) >= 70 ? 1900 : 2000));
}

function clamp(ms: number): number {
  return Number.isFinite(ms) ? Math.min(Math.max(ms, FIRST), LAST) : 0;
}

function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${TWO[Math.floor(minutes / 60)]}:${TWO[minutes % 60]}:${TWO[seconds % 60]}`;
}

function pad(year: number): string {
  return `${TWO[Math.floor(year / 100)]}${TWO[year % 100]}`;
}

/**
 * The Gregorian date of a day since 1970; months count from 0. A listing formats two dates per row, which would take
 * most of its time with `Date`. The calculation lets years begin in March, so that the leap day is the last day of a
 * year.
 */
function civil(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const sinceMarch0 = days + 719_468;
  const era = Math.floor(sinceMarch0 / 146_097);
  const dayOfEra = sinceMarch0 - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 2 : marchMonth - 10;
  return { year: yearOfEra + era * 400 + (month < 2 ? 1 : 0), month, day };
}
