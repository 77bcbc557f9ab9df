/** Slowest limit, bytes per second: at less, a request would take longer than a cloud waits for it. */
export const SLOWEST = 16 * 1024;
const FASTEST = 1024 ** 4;

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kbit: 1e3 / 8,
  mbit: 1e6 / 8,
  gbit: 1e9 / 8,
};

/**
 * Bytes per second of `2M`, `500 KiB/s`, `10 Mbit/s`; null for `off`, without a limit; undefined if it is none of these. `K`, `M`
 * and `G` alone are powers of 1024, as with other programs.
 */
export function parseRate(text: string): number | null | undefined {
  const plain = text.trim().toLowerCase();
  if (plain === 'off') return null;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*?)(?:\/s)?$/.exec(plain) ?? [];
  const rate = Math.round(Number(number) * (UNITS[unit] ?? Number.NaN));
  return rate >= SLOWEST && rate <= FASTEST ? rate : undefined;
}
