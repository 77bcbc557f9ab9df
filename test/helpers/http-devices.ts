import { join } from 'node:path';
import type { Test } from 'tap';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import type { GatewayOptions } from '../../src/mounts/compose.ts';
import { background as context } from '../../src/vfs/context.ts';
import { startTestCloud, type TestCloud } from './cloud.ts';
import { openDevice, rest, type TestDevice } from './devices.ts';
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts';
import { temporary } from './temporary.ts';

/** A gateway with its connection to the cloud. */
export interface HttpDevice {
  readonly device: TestDevice;
  /** The proxy for its requests. */
  readonly net: FaultyProxy;
  readonly remote: HttpRemote;
}

export interface HttpPair {
  readonly cloud: TestCloud;
  readonly a: TestDevice;
  readonly b: TestDevice;
  readonly netA: FaultyProxy;
  readonly netB: FaultyProxy;
  readonly remoteA: HttpRemote;
  readonly remoteB: HttpRemote;
  /** Waits until nothing is queued and both devices have applied everything. Both must be connected. */
  readonly converge: () => Promise<void>;
}

/** A gateway that uses HTTP to the cloud, through its own proxy. */
export async function openHttpDevice(
  t: Test,
  cloud: TestCloud,
  name: string,
  options: Partial<GatewayOptions> = {},
): Promise<HttpDevice> {
  const net = await startFaultyProxy(cloud.url);
  t.teardown(() => net.stop());
  // The gateway must detect a missing network at once, and not only after the usual retries.
  const retry = { tries: 2, pause: 5, longest: 20 };
  const remote = new HttpRemote({ url: net.url, token: await cloud.login(name), retry });
  t.teardown(() => remote.close());
  const { id } = await remote.device(context);
  const device = await openDevice(t, name, id, { dir: join(temporary(t), name), remote, ...options });
  await device.sync();
  return { device, net, remote };
}

/** Two devices of one account, and a cloud, all over HTTP. */
export async function openHttpPair(t: Test, options: Partial<GatewayOptions> = {}): Promise<HttpPair> {
  const cloud = await startTestCloud(t);
  const { device: a, net: netA, remote: remoteA } = await openHttpDevice(t, cloud, 'alpha', options);
  const { device: b, net: netB, remote: remoteB } = await openHttpDevice(t, cloud, 'beta', options);
  return { cloud, a, b, netA, netB, remoteA, remoteB, converge: () => rest(a, b) };
}
