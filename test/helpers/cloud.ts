import type { Test } from 'tap';
import { startCloud, type Cloud, type CloudOptions } from '../../src/cloud/server/service.ts';
import { temporary } from './temporary.ts';

export interface TestCloud {
  readonly cloud: Cloud;
  readonly url: string;
  readonly data: string;
  readonly email: string;
  readonly password: string;
  /** A new device's token. */
  readonly login: (device?: string) => Promise<string>;
}

/** A cloud with one account, in a temporary folder. It ends with the test. */
export async function startTestCloud(
  t: Test,
  options: Partial<CloudOptions> & { quota?: number } = {},
): Promise<TestCloud> {
  const { quota, ...rest } = options;
  const data = options.data ?? temporary(t);
  // A jump of the test's clock is how time passes, so the monotonic clock must follow it.
  const elapsed = rest.now === undefined ? {} : { elapsed: rest.now };
  const cloud = await startCloud({ host: '127.0.0.1', port: 0, ...elapsed, ...rest, data });
  t.teardown(async () => cloud.close());
  const email = 'ada@example.org';
  const password = 'correct horse battery';
  await cloud.accounts.add(email, password, quota);
  return {
    cloud,
    url: cloud.url,
    data,
    email,
    password,
    login: async (name) => login(cloud.url, email, password, name),
  };
}

/** Logs in over HTTP. */
export async function login(url: string, email: string, password: string, device = 'laptop'): Promise<string> {
  const answer = await fetch(`${url}/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password, device: { name: device, platform: 'linux' } }),
  });
  if (!answer.ok) throw new Error(`login failed: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { token: string }).token;
}
