const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes for people: `0 B`, `1.5 KiB`, `23 GiB`. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[unit] ?? ''}`;
}

/** A count with its noun: `1 file`, `12,345 files`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

/** Local time to the minute, sortable: `2026-11-22 23:57`. */
export function time(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '?';
  const [y, mo, d, h, mi] = [
    date.getFullYear(),
    date.getMonth() + 1,
    date.getDate(),
    date.getHours(),
    date.getMinutes(),
  ];
  return `${String(y).padStart(4, '0')}-${two(mo)}-${two(d)} ${two(h)}:${two(mi)}`;
}

/** A span of time for people: `850 ms`, `12 s`, `3 min`, `5 h`, `12 days`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

const KINDS = { file: '-', folder: 'd', symlink: 'l' } as const;

/** Kind and permission bits as `ls` writes them: `drwxr-xr-x`. */
export function mode(kind: keyof typeof KINDS, bits: number): string {
  const letters = 'rwxrwxrwx'.split('').map((letter, i) => ((bits & (0o400 >> i)) === 0 ? '-' : letter));
  return KINDS[kind] + letters.join('');
}

/**
 * A name without anything that could steer a terminal or turn its text around: control and format characters are shown
 * as `\n`, `\x1b` or `\u202e`. A backslash stays as it is.
 */
export function shown(name: string): string {
  return name.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, escape);
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return SHORT[character] ?? (code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`);
}

/**
 * Rows as aligned columns, two spaces apart; the last is not padded. `right` has the indexes of right-aligned columns.
 */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, i) => rows.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), 0));
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const width = widths[i] ?? 0;
        return right.includes(i) ? cell.padStart(width) : i === row.length - 1 ? cell : cell.padEnd(width);
      })
      .join('  '),
  );
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}
