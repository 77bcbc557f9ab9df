import t from 'tap';
import { BatchDelay } from '../../src/transfer/batch-delay.ts';

t.test('single changes are sent at once', async (t) => {
  const batchDelay = new BatchDelay();
  for (let i = 1; i < 100; i++) {
    t.equal(batchDelay.wait(i, i), 0);
    batchDelay.sent(1 + (i % 3), i);
  }
});

t.test('after a batch of several, the next waits for a pause, or for a limited time', async (t) => {
  const batchDelay = new BatchDelay();
  t.equal(batchDelay.wait(4, 0), 0);
  batchDelay.sent(4, 0);
  t.equal(batchDelay.wait(5, 10), 100, 'a new intent restarts the pause');
  t.equal(batchDelay.wait(5, 60), 50);
  t.equal(batchDelay.wait(5, 110), 0);
  batchDelay.sent(1, 110);
  t.equal(batchDelay.wait(6, 111), 0, 'it was over');

  batchDelay.sent(50, 1000);
  let promised = 6;
  let now = 1000;
  while (batchDelay.wait(++promised, now) > 0) now += 10;
  t.equal(now, 4000, 'a program that never pauses is not waited for');
});
