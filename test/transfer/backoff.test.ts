import t from 'tap';
import { Patience } from '../../src/transfer/backoff.ts';

t.test('pauses double to a minute, with half of each left to chance', async (t) => {
  let now = 1000;
  let random = 0;
  const patience = new Patience({ now: () => now, random: () => random });
  t.equal(patience.since, undefined);
  const pauses = Array.from({ length: 9 }, () => {
    patience.failed(new Error('x'));
    return patience.until - now;
  });
  t.strictSame(pauses, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  random = 1;
  now = 5000;
  patience.failed(new Error('y'));
  t.equal(patience.until, 65_000);
  t.equal(patience.since, 1000, 'since the first failure');
  patience.reset();
  t.ok(patience.until <= now);
  t.equal(patience.since, 1000, 'trying at once is not success');
  patience.worked();
  t.equal(patience.since, undefined);
});
