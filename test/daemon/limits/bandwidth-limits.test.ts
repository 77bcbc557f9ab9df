import { join } from 'node:path';
import { mock } from 'node:test';
import t from 'tap';
import { Bandwidth } from '../../../src/cloud/http/bandwidth.ts';
import { BandwidthLimits } from '../../../src/daemon/limits/bandwidth-limits.ts';
import { temporary } from '../../helpers/temporary.ts';

// Before the first date: Oslo changes its clock, as most of Europe.
process.env.TZ = 'Europe/Oslo';

const M = 1024 ** 2;
const at = (text: string): number => Date.parse(text);

t.test('the rate follows the clock, also one that is set, and says what comes next', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  let now = at('2026-03-28T17:59:50+01:00');
  const bandwidth = new Bandwidth();
  const settings = { up: '08:00-18:00 1M, 02:30-06:00 4M', down: 'off' };
  const limits = new BandwidthLimits({ file: join(temporary(t), 'limits.json'), settings, bandwidth, now: () => now });
  await limits.open();
  t.teardown(() => limits.close());
  const comes = (time: string, rate: number | undefined, next: [string, number | null]): void => {
    now = at(time);
    mock.timers.tick(5000);
    t.equal(bandwidth.up.rate, rate, `${time}: the rate`);
    t.same(limits.limits.up.next, { at: at(next[0]), rate: next[1] }, `${time}: what comes next`);
    t.same(limits.limits.down, { limit: 'off' });
  };
  comes('2026-03-28T17:59:55+01:00', M, ['2026-03-28T18:00+01:00', null]);
  // In the night from the 28th to the 29th the clock goes from 02:00 to 03:00.
  comes('2026-03-28T18:00:00+01:00', undefined, ['2026-03-29T03:00+02:00', 4 * M]);
  comes('2026-03-29T03:00:03+02:00', 4 * M, ['2026-03-29T06:00+02:00', null]);
  comes('2026-03-28T12:00:00+01:00', M, ['2026-03-28T18:00+01:00', null]);
  // The computer has slept.
  comes('2026-03-30T05:00:00+02:00', 4 * M, ['2026-03-30T06:00+02:00', null]);
});
