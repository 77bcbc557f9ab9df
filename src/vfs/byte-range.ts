/** Byte ranges of HTTP, RFC 9110 section 14. */

/** Bytes `start` to `end`, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** More ranges in one request than this are taken for an attack, and the field is ignored. */
const MAX_RANGES = 32;

/**
 * The satisfiable ranges of a `Range` field over `size` bytes, at most `limit` of them. `undefined`: serve the whole (no
 * bytes unit, bad syntax or too many ranges, RFC 9110 section 14.2); an empty list: 416.
 */
export function parseRange(field: string, size: number, limit = MAX_RANGES): readonly ByteRange[] | undefined {
  const spec = /^\s*bytes\s*=(.*)$/i.exec(field)?.[1];
  if (spec === undefined) return undefined;
  const parts = spec.split(',');
  if (parts.length > limit) return undefined;
  const ranges: ByteRange[] = [];
  for (const part of parts) {
    const m = /^\s*(?:(\d+)-(\d*)|-(\d+))\s*$/.exec(part);
    if (!m) return undefined;
    const range = m[3] === undefined ? span(Number(m[1]), m[2] ?? '', size) : suffix(Number(m[3]), size);
    if (range === 'bad') return undefined;
    if (range !== undefined) ranges.push(range);
  }
  return overlapping(ranges) ? undefined : ranges;
}

function span(start: number, last: string, size: number): ByteRange | 'bad' | undefined {
  const end = last === '' ? Infinity : Number(last);
  if (end < start) return 'bad';
  return start >= size ? undefined : { start, end: Math.min(end, size - 1) };
}

function suffix(length: number, size: number): ByteRange | undefined {
  return length === 0 || size === 0 ? undefined : { start: Math.max(0, size - length), end: size - 1 };
}

/** Whether ranges overlap, which would make the response longer than the file. */
function overlapping(ranges: readonly ByteRange[]): boolean {
  const sorted = ranges.toSorted((a, b) => a.start - b.start);
  return sorted.some((range, i) => i > 0 && range.start <= (sorted[i - 1]?.end ?? -1));
}
