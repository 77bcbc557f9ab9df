const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

export function size(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** @param ms since 1970 UTC */
export function date(ms: number): string {
  return DATE.format(ms);
}

/** @param ms since 1970 UTC */
export function dateTime(ms: number): string {
  return DATE_TIME.format(ms);
}

const DECEIVING = /[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\u2028\u2029]/gu;

/**
 * A name as text that cannot pretend to be another one: control characters and those that change the direction of what
 * follows show as a replacement character, and spaces at either end as signs.
 */
export function shown(name: string): string {
  return name.replaceAll(DECEIVING, '\u{FFFD}').replaceAll(/^\s+|\s+$/g, (spaces) => '\u2423'.repeat(spaces.length));
}
