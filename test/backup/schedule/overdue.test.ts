import t from 'tap';
import { overdueFrom } from '../../../src/backup/schedule/overdue.ts';
import { parseSchedule } from '../../../src/backup/schedule/schedule.ts';

const at = (text: string): number => new Date(text).getTime();

t.test('a set is overdue when a run is later than the schedule allows', async (t) => {
  // 2026-11-23 is a Monday.
  const rows: [schedule: string, finished: string, overdue: string | undefined][] = [
    ['continuous', '2026-11-23T12:00', '2026-11-24T12:00'],
    ['manual', '2020-01-01T00:00', undefined],
    ['every 4h', '2026-11-23T12:00', '2026-11-23T20:00'],
    ['every 30min', '2026-11-23T12:00', '2026-11-23T13:30'],
    ['every 7d', '2026-11-23T12:00', '2026-12-01T12:00'],
    ['daily 02:00', '2026-11-23T02:30', '2026-11-25T02:00'],
    ['weekdays 22:00', '2026-11-27T22:30', '2026-12-01T22:00'],
    ['daily 22:00-06:00', '2026-11-23T12:00', '2026-11-24T07:00'],
    ['daily 22:00-06:00', '2026-11-23T23:00', '2026-11-25T07:00'],
    ['weekdays 08:00-18:00', '2026-11-27T17:00', '2026-11-30T19:00'],
  ];
  for (const [schedule, finished, overdue] of rows) {
    const found = overdueFrom(parseSchedule(schedule), { finished: at(finished), added: 0 });
    t.equal(
      found === undefined ? found : new Date(found).toString(),
      overdue && new Date(overdue).toString(),
      schedule,
    );
  }
});

t.test('one that was never complete counts from when it was chosen', async (t) => {
  const schedule = parseSchedule('continuous');
  t.equal(overdueFrom(schedule, { finished: undefined, added: 1e12 }), 1e12 + 86_400_000);
  t.equal(overdueFrom(schedule, { finished: undefined, added: undefined }), undefined);
});
