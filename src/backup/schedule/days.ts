const GROUPS: Readonly<Record<string, string>> = { daily: 'sun-sat', weekdays: 'mon-fri', weekends: 'sat,sun' };
const WEEK = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/**
 * Days of the week, 0 for Sunday, in ascending order, of `daily`, `weekdays`, `weekends`, and of days and ranges such as `mon,thu`, `Fridays`,
 * `mon-fri` and `sat-mon`; undefined if it is none of these.
 */
export function parseDays(text: string): readonly number[] | undefined {
  const plain = text.toLowerCase();
  const days = (GROUPS[plain] ?? plain).split(',').flatMap((part) => rangeOf(part.trim()) ?? [-1]);
  return days.includes(-1) ? undefined : [...new Set(days)].sort((a, b) => a - b);
}

function rangeOf(text: string): readonly number[] | undefined {
  const [first = '', last = first, ...more] = text.split('-');
  const [from, to] = [dayOf(first), dayOf(last)];
  if (from === -1 || to === -1 || more.length > 0) return undefined;
  return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, i) => (from + i) % 7);
}

/** Of `mon`, `monday` and `mondays`; -1 if it is no day. */
function dayOf(text: string): number {
  return WEEK.findIndex((day) => text === day.slice(0, 3) || text === day || text === `${day}s`);
}
