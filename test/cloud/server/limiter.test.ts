import t from 'tap';
import { Limiter } from '../../../src/cloud/server/limiter.ts';
import { Slots } from '../../../src/cloud/server/slots.ts';

const MINUTE = 60_000;
const refused = { code: 'too_many_requests' };

t.test('attempts in progress count, attempts that could not be checked do not', async (t) => {
  const limiter = new Limiter(() => 0);
  const attempts = Array.from({ length: 10 }, () => limiter.begin('ada', '192.0.2.1'));
  t.throws(() => limiter.begin('ada', '192.0.2.1'), { ...refused, retryAfter: 1 });
  for (const attempt of attempts) attempt.end('unknown');
  for (let n = 0; n < 90; n += 1) limiter.begin('ada', '192.0.2.1').end(n % 10 === 9 ? 'right' : 'wrong');
});

t.test('each network has its own count, which a pause resets', async (t) => {
  let time = 0;
  const limiter = new Limiter(() => time);
  const exhaust = (address: string, source: string): void => {
    for (let n = 0; n < 10; n += 1) limiter.begin(address, source).end('wrong');
    t.throws(() => limiter.begin(address, source), refused);
  };
  exhaust('ada', '2001:db8::1');
  t.throws(() => limiter.begin('ada', '2001:db8:0:0:ffff::2'), refused, 'the same network');
  limiter.begin('ada', '2001:db8:0:1::1').end('unknown');
  limiter.begin('bob', '2001:db8::1').end('unknown');
  exhaust('ada', '::ffff:192.0.2.1');
  t.throws(() => limiter.begin('ada', '192.0.2.1'), refused, 'the same address');
  time += 4 * MINUTE;
  t.throws(() => limiter.begin('ada', '192.0.2.1'), { ...refused, retryAfter: 60 });
  time += MINUTE;
  limiter.begin('ada', '192.0.2.1').end('right');
});

t.test('one source that guesses for many addresses is stopped, others are not', async (t) => {
  const limiter = new Limiter(() => 0);
  for (let n = 0; n < 100; n += 1) limiter.begin(`user${n}`, '192.0.2.1').end('wrong');
  t.throws(() => limiter.begin('ada', '192.0.2.1'), refused);
  limiter.begin('ada', '192.0.2.2').end('right');
});

t.test('a flood of guesses from everywhere does not lock out a source that is known', async (t) => {
  let time = 0;
  const limiter = new Limiter(() => time);
  limiter.begin('ada', '192.0.2.1').end('right');
  limiter.trust('ada', 'device 1');
  for (let n = 0; n < 100; n += 1) limiter.begin('ada', `198.51.100.${n}`).end('wrong');
  t.throws(() => limiter.begin('ada', '203.0.113.1'), refused);
  for (let n = 0; n < 9; n += 1) limiter.begin('ada', '192.0.2.1').end('wrong');
  limiter.begin('ada', 'device 1').end('right');
  limiter.begin('ada', '192.0.2.1').end('right');
  time += 10 * MINUTE;
  limiter.begin('ada', '203.0.113.1').end('right');
});

t.test('few calls run at the same time, some wait, more are refused at once', async (t) => {
  const slots = new Slots(2, 3);
  const ends: (() => void)[] = [];
  let running = 0;
  const work = async (): Promise<void> => {
    running += 1;
    await new Promise<void>((resolve) => ends.push(resolve));
    running -= 1;
    throw new Error('also then');
  };
  const all = Array.from({ length: 6 }, async () => slots.run(work).catch((error: unknown) => error));
  t.match(await all[5], { code: 'unavailable' });
  for (let n = 0; n < 5; n += 1) {
    t.equal(running, Math.min(2, 5 - n));
    ends[n]?.();
    await all[n];
    await new Promise(setImmediate);
  }
  t.equal(running, 0);
});
