import { parseTimetable } from './limits/timetable.ts';

/** A setting: its default, and how its value is read from a TOML document or an environment variable. */
export interface Setting<T> {
  readonly default: T;
  /** One line of help, for `fjord config`. */
  readonly help: string;
  /** Description of valid values, to follow "it is not". */
  readonly expects: string;
  /** Parses a value; undefined if it is invalid. Values of environment variables are strings. */
  read(raw: unknown): T | undefined;
  /** Formats a value as in the settings file. */
  show(value: T): string;
}

export function text(value: string, help: string): Setting<string> {
  return {
    default: value,
    help,
    expects: 'text',
    read: (raw) => (typeof raw === 'string' ? raw : undefined),
    show: (shown) => JSON.stringify(shown),
  };
}

export function flag(value: boolean, help: string): Setting<boolean> {
  const words = new Map<unknown, boolean>([
    [true, true],
    [false, false],
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ]);
  return { default: value, help, expects: 'true or false', read: (raw) => words.get(raw), show: String };
}

/** A whole number within bounds. */
export function whole(value: number, [least, most]: readonly [number, number], help: string): Setting<number> {
  return {
    default: value,
    help,
    expects: `a whole number from ${least} to ${most}`,
    read: (raw) => {
      const number = typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw;
      return typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most
        ? number
        : undefined;
    },
    show: String,
  };
}

export function choice<const T extends string>(values: readonly T[], value: T, help: string): Setting<T> {
  return {
    default: value,
    help,
    expects: values.map((one) => `"${one}"`).join(' or '),
    read: (raw) => values.find((one) => one === raw),
    show: (shown) => JSON.stringify(shown),
  };
}

/** A number of bytes, written as a number or as text such as "500 MB" or "10 GiB". */
export function bytes(value: string, help: string): Setting<number> {
  return {
    default: parseBytes(value) ?? 0,
    help,
    expects: 'a size such as "500 MB" or "10 GiB"',
    read: parseBytes,
    show: showBytes,
  };
}

/** A time in milliseconds, written as text such as "10 s" or "2 min"; a plain number is in seconds. */
export function duration(value: string, help: string): Setting<number> {
  return {
    default: parseDuration(value) ?? 0,
    help,
    expects: 'a time such as "10 s" or "2 min"',
    read: parseDuration,
    show: showDuration,
  };
}

/** A rate, or rates by the time of day (`limits/timetable.ts`), as text. */
export function limit(value: string, help: string): Setting<string> {
  return {
    ...text(value, help),
    expects: 'a limit such as "2M", "08:00-18:00 1M, off" or "off"',
    read: (raw) => (typeof raw === 'string' && isTimetable(raw) ? raw : undefined),
  };
}

function isTimetable(raw: string): boolean {
  try {
    return parseTimetable(raw).length > 0;
  } catch {
    return false;
  }
}

const DECIMAL = ['', 'K', 'M', 'G', 'T', 'P'];
const BYTE_UNITS = new Map<string, number>([
  ['', 1],
  ...DECIMAL.map((prefix, power): [string, number] => [`${prefix}B`.toLowerCase(), 1000 ** power]),
  ...DECIMAL.slice(1).map((prefix, i): [string, number] => [`${prefix}iB`.toLowerCase(), 1024 ** (i + 1)]),
]);

const TIME_UNITS = new Map<string, number>([
  ['', 1000],
  ['ms', 1],
  ['s', 1000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

function parseBytes(raw: unknown): number | undefined {
  const value = quantity(raw, BYTE_UNITS);
  return value === undefined ? undefined : Math.round(value);
}

export function parseDuration(raw: unknown): number | undefined {
  return quantity(raw, TIME_UNITS);
}

function quantity(raw: unknown, units: ReadonlyMap<string, number>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(typeof raw === 'number' ? String(raw) : asText(raw));
  const unit = units.get(match?.[2]?.toLowerCase() ?? '');
  const value = unit === undefined || match === null ? Number.NaN : Number(match[1]) * unit;
  return Number.isSafeInteger(Math.round(value)) ? value : undefined;
}

function asText(raw: unknown): string {
  return typeof raw === 'string' ? raw.trim() : '';
}

function showBytes(value: number): string {
  const power = [5, 4, 3, 2, 1].find((power) => value > 0 && value % 1024 ** power === 0);
  return power === undefined ? `"${value} B"` : `"${value / 1024 ** power} ${DECIMAL[power]}iB"`;
}

function showDuration(value: number): string {
  const unit = ['d', 'h', 'min', 's'].find((unit) => value > 0 && value % (TIME_UNITS.get(unit) ?? 1) === 0) ?? 'ms';
  return `"${value / (TIME_UNITS.get(unit) ?? 1)} ${unit}"`;
}
