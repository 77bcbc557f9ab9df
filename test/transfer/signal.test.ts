import { getEventListeners } from 'node:events';
import t from 'tap';
import { Signal } from '../../src/transfer/signal.ts';

t.test('a wake-up without a waiter is kept', async () => {
  const wake = new Signal();
  wake.wake();
  await wake.wait(undefined, new AbortController().signal);
});

t.test('a wait leaves no listener, however it ends', async (t) => {
  const wake = new Signal();
  const stop = new AbortController();
  const listeners = (): number => getEventListeners(stop.signal, 'abort').length;
  await wake.wait(1, stop.signal);
  t.equal(listeners(), 0, 'time');
  const woken = wake.wait(undefined, stop.signal);
  wake.wake();
  await woken;
  t.equal(listeners(), 0, 'a wake-up');
  const stopped = wake.wait(undefined, stop.signal);
  stop.abort();
  await stopped;
  t.equal(listeners(), 0, 'the signal');
});
