import { closeSync, writeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Device } from '../../src/fuse/device.ts';
import { Libc } from '../../src/fuse/libc.ts';

const LONG = 20_000;

/** A device at one end of a socket. */
function connection(t: Test): { device: Device; peer: number } {
  const libc = new Libc();
  const [fd, peer] = libc.socketPair();
  const device = new Device(libc, fd);
  t.teardown(() => {
    device.close();
    closeSync(peer);
  });
  return { device, peer };
}

function duration(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

void t.test('a nap ends when there is a request', async (t) => {
  const { device, peer } = connection(t);
  writeSync(peer, 'request');
  t.ok(duration(() => t.ok(device.nap(LONG))) < LONG / 2);
});

void t.test('a nap ends when the event loop has something to do', async (t) => {
  const { device } = connection(t);
  await setImmediate();
  const asked = stat('/');
  t.ok(duration(() => t.ok(device.nap(LONG))) < LONG / 2);
  t.ok(await asked);
});

void t.test('a nap ends by itself', async (t) => {
  const { device } = connection(t);
  t.ok(device.nap(1));
});

void t.test('there is no nap without a connection', async (t) => {
  const { device } = connection(t);
  device.close();
  t.notOk(device.nap(LONG));
});
