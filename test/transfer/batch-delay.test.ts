import t from 'tap';
import { Burst } from '../../src/transfer/batch-delay.ts';

t.test('single changes are sent at once', async (t) => {
  const burst = new Burst();
  for (let i = 1; i < 100; i++) {
    t.equal(burst.wait(i, i), 0);
    burst.sent(1 + (i % 3), i);
  }
});

t.test('behind a batch of several the next waits for a pause, or a while', async (t) => {
  const burst = new Burst();
  t.equal(burst.wait(4, 0), 0);
  burst.sent(4, 0);
  t.equal(burst.wait(5, 10), 100, 'a promise: the pause begins anew');
  t.equal(burst.wait(5, 60), 50);
  t.equal(burst.wait(5, 110), 0);
  burst.sent(1, 110);
  t.equal(burst.wait(6, 111), 0, 'it was over');

  burst.sent(50, 1000);
  let promised = 6;
  let now = 1000;
  while (burst.wait(++promised, now) > 0) now += 10;
  t.equal(now, 4000, 'who never pauses is not waited for');
});
