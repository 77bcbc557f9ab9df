import t from 'tap';
import { openPair } from '../../helpers/devices.ts';

t.test('after a suspend dead connections are noticed and made anew within 15 s', { timeout: 40_000 }, async (t) => {
  let slept = 0;
  const pair = await openPair(t, { now: () => Date.now() + slept });
  const { a, b, netB } = pair;
  await until(() => b.gateway.status().push === 'up');
  // The connection is dead, but nobody says so: nothing comes any more, and it does not end.
  pair.cloud.hub.publish = () => undefined;
  await a.write('/Sync/f', 'written while the other slept');
  await a.gateway.flush();
  t.notOk(await b.exists('/Sync/f'));
  let connected = 0;
  const push = netB.push.bind(netB);
  netB.push = (context) => {
    connected++;
    return push(context);
  };

  slept += 3_600_000;
  const woke = performance.now();
  await until(async () => b.exists('/Sync/f'));
  t.ok(performance.now() - woke < 15_000);
  await until(() => connected > 0);
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
