import t from 'tap';
import { HttpRemote } from '../../../src/cloud/http/http-remote.ts';
import { background } from '../../../src/vfs/context.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { openDevice, openPair } from '../../helpers/devices.ts';
import { FaultyProxy } from '../../helpers/faulty-proxy.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(500_000);

t.test('after a suspend dead connections are detected and replaced within 15 s', { timeout: 40_000 }, async (t) => {
  let slept = 0;
  const pair = await openPair(t, { now: () => Date.now() + slept });
  const { a, b, netB } = pair;
  await until(() => b.gateway.status().push === 'up');
  // The connection is silently dead: nothing arrives any more, and it does not end.
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

t.test('over HTTP, with a request that will never get a response', { timeout: 60_000 }, async (t) => {
  let slept = 0;
  const cloud = await startTestCloud(t);
  const proxy = await new FaultyProxy(cloud.url).start();
  t.teardown(() => proxy.stop());
  const remote = new HttpRemote({ url: proxy.url, token: await cloud.login('alpha') });
  t.teardown(() => remote.close());
  const { id } = await remote.device(background);
  const device = await openDevice(t, 'alpha', id, { dir: temporary(t), remote, now: () => Date.now() + slept });
  await device.sync();
  await until(() => device.gateway.status().push === 'up');

  proxy.mode = { kind: 'hang' };
  await device.write('/Sync/f', 'sent into a dead connection');
  await until(() => proxy.seen.some(({ fault }) => fault === 'hang'));
  proxy.mode = { kind: 'pass' };
  slept += 3_600_000;
  const woke = performance.now();
  await device.gateway.flush();
  t.ok(performance.now() - woke < 15_000);
  await until(() => device.gateway.status().push === 'up');
});
