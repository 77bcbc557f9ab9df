import fc from 'fast-check';
import t from 'tap';
import { openingOf, type Opening } from '../../../src/backup/schedule/opening.ts';
import { parseSchedule } from '../../../src/backup/schedule/schedule.ts';

const zone = 'Europe/Oslo';
const at = (text: string): number => Date.parse(text);
const opening = (schedule: string, now: string, last?: string): Opening =>
  openingOf(parseSchedule(schedule), { now: at(now), last: last === undefined ? undefined : at(last), zone });

t.test('schedules are written as people write them', async (t) => {
  for (const [text, schedule] of [
    ['continuous', { kind: 'continuous' }],
    ['  Manual ', { kind: 'manual' }],
    ['daily 02:00', { kind: 'times', line: '0 2 * * *' }],
    ['weekdays 7:30', { kind: 'times', line: '30 7 * * 1,2,3,4,5' }],
    ['mon,Thursdays 12:30', { kind: 'times', line: '30 12 * * 1,4' }],
    ['weekdays 22:00-06:00', { kind: 'window', opens: '0 22 * * 1,2,3,4,5', closes: '0 6 * * *' }],
    ['Mon-Fri 22:00 - 06:00', { kind: 'window', opens: '0 22 * * 1,2,3,4,5', closes: '0 6 * * *' }],
    ['fri-mon 7:30', { kind: 'times', line: '30 7 * * 0,1,5,6' }],
    ['every 4h', { kind: 'every', period: 4 * 3_600_000 }],
    ['every 30 min', { kind: 'every', period: 30 * 60_000 }],
    ['*/10 8-17 * * 1-5', { kind: 'times', line: '*/10 8-17 * * 1-5' }],
  ] as const) {
    t.same(parseSchedule(text), schedule, text);
  }
  const wrong = [
    '',
    'daily',
    'daily 24:00',
    'daily 02:60',
    'every 0h',
    'every 4',
    'mon,foo 02:00',
    'mon-foo 02:00',
    'mon-tue-wed 02:00',
    'm 02:00',
  ];
  for (const text of [...wrong, '0 2 * *', '61 2 * * *', '0 0 30 2 *', 'daily 02:00-25:00', '* * * * * *']) {
    t.throws(() => parseSchedule(text), { code: 'EINVAL', reason: /is no schedule; write `continuous`/ }, text);
  }
});

t.test('a daily run is due once a day, and at once after its time was slept through', async (t) => {
  const ran = '2026-11-10T02:00:05+01:00';
  t.same(opening('daily 02:00', '2026-11-10T20:00+01:00', ran), {
    state: 'closed',
    next: at('2026-11-11T02:00+01:00'),
  });
  t.same(opening('daily 02:00', '2026-11-11T01:59:59+01:00', ran).state, 'closed');
  t.same(opening('daily 02:00', '2026-11-11T02:00+01:00', ran).state, 'due');
  t.same(opening('daily 02:00', '2026-11-14T09:12+01:00', ran).state, 'due');
  t.same(opening('daily 02:00', '2026-11-14T09:12+01:00').state, 'due', 'it never ran');
  t.same(opening('every 4h', '2026-11-10T06:00:04+01:00', ran).state, 'closed');
  t.same(opening('every 4h', '2026-11-10T06:00:05+01:00', ran).state, 'due');
  t.same(opening('manual', '2026-11-10T06:00:05+01:00'), { state: 'closed', next: undefined });
});

t.test('a window is open inside and closed outside, also over midnight and a weekend', async (t) => {
  const nights = 'weekdays 22:00-06:00';
  t.same(opening(nights, '2026-11-12T21:59+01:00'), { state: 'closed', next: at('2026-11-12T22:00+01:00') });
  t.same(opening(nights, '2026-11-12T22:00+01:00'), { state: 'open', until: at('2026-11-13T06:00+01:00') });
  t.same(opening(nights, '2026-11-13T05:59:59+01:00'), { state: 'open', until: at('2026-11-13T06:00+01:00') });
  t.same(opening(nights, '2026-11-13T06:00+01:00').state, 'closed');
  t.same(opening(nights, '2026-11-14T05:00+01:00').state, 'open', 'the night from Friday to Saturday');
  t.same(opening(nights, '2026-11-14T23:00+01:00'), { state: 'closed', next: at('2026-11-16T22:00+01:00') });
});

t.test('a change to or from daylight saving time neither drops a run nor makes one twice', async (t) => {
  // 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.
  for (const day of ['2026-03-28T12:00+01:00', '2026-10-24T12:00+02:00']) {
    for (const schedule of ['daily 02:00', 'daily 02:30', 'daily 03:00']) {
      const start = at(day);
      let last = start;
      let runs = 0;
      for (let now = start; now < start + 72 * 3_600_000; now += 60_000) {
        if (openingOf(parseSchedule(schedule), { now, last, zone }).state !== 'due') continue;
        last = now;
        runs += 1;
      }
      t.equal(runs, 3, `${schedule}, from ${day}`);
    }
  }
  const spring = opening('daily 22:00-06:00', '2026-03-29T01:30+01:00');
  t.same(spring, { state: 'open', until: at('2026-03-29T06:00+02:00') });
  const autumn = opening('daily 22:00-06:00', '2026-10-25T02:30+01:00');
  t.same(autumn, { state: 'open', until: at('2026-10-25T06:00+01:00') });
});

t.test('a window in the hour that is left out, or comes twice, opens on that day, and closes', async (t) => {
  for (const [day, schedule, minutes] of [
    ['2026-03-29T00:00+01:00', 'daily 01:00-04:00', 2 * 60],
    ['2026-10-25T00:00+02:00', 'daily 01:00-04:00', 4 * 60],
    ['2026-03-29T00:00+01:00', 'daily 23:00-01:00', 3 * 60],
  ] as const) {
    let open = 0;
    for (let now = at(day); now < at(day) + 24 * 3_600_000; now += 60_000) {
      if (openingOf(parseSchedule(schedule), { now, last: now, zone }).state === 'open') open += 1;
    }
    t.equal(open, minutes, `${schedule} on ${day}`);
  }
});

t.test('whatever the time, what is closed opens when it says, and what is open closes then', async () => {
  const schedules = ['daily 02:00', 'every 4h', 'weekdays 22:00-06:00', 'sun 10:00-09:00', '7 */3 * * 2'];
  const times = fc.integer({ min: at('2026-01-01'), max: at('2027-12-31') });
  const property = fc.property(fc.constantFrom(...schedules), times, (text, now) => {
    const schedule = parseSchedule(text);
    const found = openingOf(schedule, { now, last: now, zone });
    if (found.state === 'due') return false;
    if (found.state === 'open') {
      const after = openingOf(schedule, { now: found.until ?? now, last: now, zone });
      return after.state === 'closed' || (after.state === 'open' && after.until !== found.until);
    }
    const { next = 0 } = found;
    return next > now && openingOf(schedule, { now: next, last: now, zone }).state !== 'closed';
  });
  fc.assert(property, { numRuns: 300 });
});
