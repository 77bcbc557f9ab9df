import t from 'tap';
import { parsePastTime } from '../../src/cli/past-time.ts';

const NOW = new Date(2026, 10, 28, 15, 30).getTime();
const HOUR = 3_600_000;
const local = (day: number, hours = 0, minutes = 0, seconds = 0): number =>
  new Date(2026, 10, day, hours, minutes, seconds).getTime();

t.test('times that a person writes', async (t) => {
  const cases: [string, number][] = [
    ['2026-11-22', local(22)],
    ['2026-11-2', local(2)],
    ['2026-11-22 21:15', local(22, 21, 15)],
    ['2026-11-22T21:15:30', local(22, 21, 15, 30)],
    ['2026-11-22 9:05', local(22, 9, 5)],
    ['2026-11-22T21:15Z', Date.UTC(2026, 10, 22, 21, 15)],
    ['2026-11-22 21:15+02:00', Date.UTC(2026, 10, 22, 19, 15)],
    ['yesterday', local(27)],
    ['Yesterday 14:00', local(27, 14)],
    ['today', local(28)],
    ['Today 9:30', local(28, 9, 30)],
    ['30 s', NOW - 30_000],
    ['14:00', local(28, 14)],
    ['2h', NOW - 2 * HOUR],
    ['2h ago', NOW - 2 * HOUR],
    ['90 min ago', NOW - 1.5 * HOUR],
    ['3d', NOW - 72 * HOUR],
    [' 3 days ago ', NOW - 72 * HOUR],
  ];
  for (const [text, time] of cases) t.equal(parsePastTime(text, NOW), time, text);
});

t.test('what is no time, or none of the past', async (t) => {
  const none = [
    '',
    'soon',
    '2026',
    '3',
    '2026-02-30',
    '2026-13-01',
    '2026-11-22 25:00',
    '22.11.2026',
    'ago',
    'today ago',
  ];
  for (const text of none) t.throws(() => parsePastTime(text, NOW), { message: /is no time such as 2026-11-22/ }, text);
  for (const text of ['2026-11-29', '16:00', '2999-01-01T00:00Z']) {
    t.throws(() => parsePastTime(text, NOW), { message: /in the future/ }, text);
  }
});
