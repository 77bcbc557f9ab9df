import t from 'tap';
import { Backoff } from '../../src/transfer/backoff.ts';

t.test('pauses double up to a minute, half of each random', async (t) => {
  let now = 1000;
  let random = 0;
  const backoff = new Backoff({ now: () => now, random: () => random });
  t.equal(backoff.since, undefined);
  const pauses = Array.from({ length: 9 }, () => {
    backoff.failed(new Error('x'));
    return backoff.until - now;
  });
  t.strictSame(pauses, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  random = 1;
  now = 5000;
  backoff.failed(new Error('y'));
  t.equal(backoff.until, 65_000);
  t.equal(backoff.since, 1000, 'since the first failure');
  backoff.reset();
  t.ok(backoff.until <= now);
  t.equal(backoff.since, 1000, 'a reset is not a success');
  backoff.worked();
  t.equal(backoff.since, undefined);
});
