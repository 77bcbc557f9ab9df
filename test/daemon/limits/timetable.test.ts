import t from 'tap';
import { parseRate } from '../../../src/daemon/limits/rate.ts';
import { nextChange, parseTimetable, rateAt } from '../../../src/daemon/limits/timetable.ts';

// Before the first date: Oslo changes its clock, as most of Europe.
process.env.TZ = 'Europe/Oslo';

const K = 1024;
const M = 1024 ** 2;

t.test('rates as people write them', async (t) => {
  const cases: [string, number | null | undefined][] = [
    ['2M', 2 * M],
    ['2m', 2 * M],
    ['1.5 MiB/s', 1.5 * M],
    ['500K', 500 * K],
    ['2 MB', 2e6],
    ['10 Mbit/s', 1_250_000],
    ['1G', 1024 ** 3],
    ['100000', 100_000],
    ['off', null],
    ['OFF', null],
    ['0', undefined],
    ['1K', undefined],
    ['-1M', undefined],
    ['fast', undefined],
    ['', undefined],
    ['1T', undefined],
    ['M', undefined],
  ];
  for (const [text, rate] of cases) t.equal(parseRate(text), rate, text);
});

// 2026-11-23 is a Monday.
const at = (text: string): Date => new Date(text);

t.test('the first entry that holds counts', async (t) => {
  const cases: [string, string, number | null][] = [
    ['2M', '2026-11-23T12:00', 2 * M],
    ['off', '2026-11-23T12:00', null],
    ['08:00-18:00 1M, 18:00-08:00 off', '2026-11-23T08:00', M],
    ['08:00-18:00 1M, 18:00-08:00 off', '2026-11-23T17:59:59', M],
    ['08:00-18:00 1M, 18:00-08:00 off', '2026-11-23T18:00', null],
    ['08:00-18:00 1M, 18:00-08:00 off', '2026-11-23T07:59', null],
    ['08:00-18:00 1M, 4M', '2026-11-23T20:00', 4 * M],
    ['08:00-18:00 1M', '2026-11-23T20:00', null],
    ['22:00-06:00 off, 1M', '2026-11-23T05:59', null],
    ['22:00-06:00 off, 1M', '2026-11-23T06:00', M],
    ['weekdays 08:00-18:00 1M', '2026-11-23T09:00', M],
    ['weekdays 08:00-18:00 1M', '2026-11-22T09:00', null],
    ['sat,sun 500K, 1M', '2026-11-22T09:00', 500 * K],
    ['sat, sun 500K, 1M', '2026-11-21T09:00', 500 * K],
    ['mon-fri 08:00-18:00 1M', '2026-11-27T09:00', M],
    ['mon-fri 08:00-18:00 1M', '2026-11-28T09:00', null],
    ['friday-Mondays 1M', '2026-11-23T09:00', M],
    ['friday-Mondays 1M', '2026-11-24T09:00', null],
    ['mon, wed-thu, Saturdays 10:00-12:00 10 Mbit/s, off', '2026-11-26T10:00', 1_250_000],
    ['mon, wed-thu, Saturdays 10:00-12:00 10 Mbit/s, off', '2026-11-27T10:00', null],
    ['sat,sun 500K, 1M', '2026-11-23T09:00', M],
    // A night belongs to the day on which it begins.
    ['mon 22:00-06:00 1M', '2026-11-24T05:00', M],
    ['mon 22:00-06:00 1M', '2026-11-23T05:00', null],
    ['08:00-24:00 1M', '2026-11-23T23:59', M],
    ['08:00-08:00 1M', '2026-11-23T03:00', M],
  ];
  for (const [text, time, rate] of cases) t.equal(rateAt(parseTimetable(text), at(time)), rate, `${text} at ${time}`);
});

t.test('what is no limit is refused with what can be written', async (t) => {
  for (const text of [
    '',
    ',',
    '08:00 1M',
    '25:00-26:00 1M',
    '08:60-09:00 1M',
    'someday 1M',
    'mon',
    'mon-foo 1M',
    'mon-tue-wed 1M',
    '2M, mon',
    '08:00-18:00',
    '5',
  ]) {
    t.throws(() => parseTimetable(text), { code: 'EINVAL', reason: /is no limit; write a rate/ }, text);
  }
});

t.test('the next change is the first minute at which another rate holds', async (t) => {
  const cases: [string, string, [string, number | null] | undefined][] = [
    ['2M', '2026-11-23T12:00', undefined],
    ['08:00-18:00 1M', '2026-11-23T12:00:31', ['2026-11-23T18:00', null]],
    ['08:00-18:00 1M', '2026-11-23T18:00', ['2026-11-24T08:00', M]],
    ['08:00-18:00 1M, 18:00-08:00 1M', '2026-11-23T12:00', undefined],
    ['08:00-12:00 1M, 12:00-18:00 1M', '2026-11-23T09:00', ['2026-11-23T18:00', null]],
    ['mon-fri 08:00-18:00 1M, sat,sun 4M', '2026-11-27T18:30', ['2026-11-28T00:00', 4 * M]],
    ['mon-fri 08:00-18:00 1M, sat,sun 4M', '2026-11-28T18:30', ['2026-11-30T00:00', null]],
    ['mon 1M', '2026-11-24T00:00', ['2026-11-30T00:00', M]],
    // The clock goes from 02:00 to 03:00: what would begin in between begins then.
    ['02:30-06:00 1M', '2026-03-29T01:00+01:00', ['2026-03-29T03:00+02:00', M]],
    ['22:00-02:30 1M', '2026-03-29T01:00+01:00', ['2026-03-29T03:00+02:00', null]],
    // From 03:00 back to 02:00: the hour that comes twice is limited twice.
    ['02:30-06:00 1M', '2026-10-25T01:00+02:00', ['2026-10-25T02:30+02:00', M]],
    ['02:30-06:00 1M', '2026-10-25T02:30+02:00', ['2026-10-25T02:00+01:00', null]],
    ['08:00-18:00 1M', '2026-10-24T20:00+02:00', ['2026-10-25T08:00+01:00', M]],
  ];
  for (const [text, time, next] of cases) {
    const found = nextChange(parseTimetable(text), at(time));
    const wanted = next && { at: at(next[0]).getTime(), rate: next[1] };
    t.same(found, wanted, `${text} at ${time}`);
  }
});
