import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import { background as context } from '../../src/vfs/context.ts';
import { startCloudProcess, type CloudProcess } from '../helpers/cloud-process.ts';
import { startTestCloud } from '../helpers/cloud.ts';
import { openDevice, type TestDevice } from '../helpers/devices.ts';
import { FaultyProxy, type Fault } from '../helpers/faulty-proxy.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

/** A gateway over real HTTP. */
async function device(t: Test, name: string, url: string, token: string): Promise<TestDevice> {
  const remote = new HttpRemote({ url, token });
  t.teardown(() => remote.close());
  const { id } = await remote.device(context);
  return await openDevice(t, name, id, { dir: join(temporary(t), name), remote });
}

/** Some small files in folders, one of several blocks and an empty one. */
async function fill(on: TestDevice, top: string): Promise<Record<string, string>> {
  const wanted: Record<string, string> = { [`${top}/`]: '' };
  const write = async (path: string, bytes: Buffer): Promise<void> => {
    await on.write(path, bytes);
    wanted[path] = bytes.toString();
  };
  await on.mkdir(top);
  for (let d = 0; d < 4; d++) {
    await on.mkdir(`${top}/d${d}`);
    wanted[`${top}/d${d}/`] = '';
    for (let f = 0; f < 12; f++) await write(`${top}/d${d}/f${f}`, randomBytes(200 + f * 997));
  }
  await write(`${top}/big`, randomBytes(9 * 1024 * 1024 + 7));
  await write(`${top}/empty`, Buffer.alloc(0));
  return wanted;
}

/** The tree as a new device sees it. */
async function elsewhere(t: Test, url: string, token: string): Promise<Record<string, string>> {
  const other = await device(t, 'elsewhere', url, token);
  await other.sync();
  return await other.tree();
}

t.test('the cloud fails in every way: everything arrives once, byte for byte', async (t) => {
  const faults: readonly [string, Fault][] = [
    ['500', { kind: 'refuse', status: 500, code: 'internal' }],
    ['429', { kind: 'refuse', status: 429, code: 'too_many_requests', retryAfter: '0' }],
    ['503 of a proxy', { kind: 'refuse', status: 503 }],
    ['the connection is cut', { kind: 'reset' }],
    ['the answer is lost', { kind: 'reset', executed: true }],
    ['half an answer', { kind: 'half' }],
    ['a cut answer that looks whole', { kind: 'truncate' }],
  ];
  const cloud = await startTestCloud(t);
  const proxy = new FaultyProxy(cloud.url);
  t.teardown(() => proxy.stop());
  await proxy.start();
  const on = await device(t, 'alpha', proxy.url, await cloud.login('alpha'));
  await on.sync();
  let wanted: Record<string, string> = {};
  for (const [i, [name, fault]] of faults.entries()) {
    // Every third request of any kind; push connections are long and would only be cut.
    let count = 0;
    proxy.affects = ({ path }) => path !== '/v1/push' && ++count % 3 === 0;
    proxy.mode = fault;
    wanted = { ...wanted, ...(await fill(on, `/Sync/${i}`)) };
    await on.sync();
    proxy.mode = { kind: 'pass' };
    t.equal(on.gateway.status().queued, 0, name);
  }
  t.same(await on.gateway.conflicts(), []);
  const there = await elsewhere(t, cloud.url, await cloud.login('beta'));
  t.strictSame(Object.keys(there).sort(), Object.keys(wanted).sort(), 'every name, once');
  for (const [path, content] of Object.entries(wanted)) if (there[path] !== content) t.fail(`${path} differs`);
});

/** Kills the cloud as soon as the device has made a certain call, then starts it again. */
async function killDuring(cloud: CloudProcess, remote: object, call: 'upload' | 'commit' | 'feed'): Promise<void> {
  const target = remote as Record<string, (...args: unknown[]) => unknown>;
  const original = target[call]?.bind(remote);
  if (original === undefined) throw new Error('no such call');
  await new Promise<void>((resolve, reject) => {
    target[call] = (...args) => {
      target[call] = original;
      const answer = original(...args);
      setTimeout(() => cloud.kill().then(resolve, reject), 3);
      return answer;
    };
  });
  await cloud.start();
}

t.test('the cloud is killed during upload, commit and feed', async (t) => {
  const cloud = await startCloudProcess(t);
  const token = await cloud.login('alpha');
  const remote = new HttpRemote({ url: cloud.url, token });
  t.teardown(() => remote.close());
  const { id } = await remote.device(context);
  const on = await openDevice(t, 'alpha', id, { dir: join(temporary(t), 'alpha'), remote });
  await on.sync();
  let wanted: Record<string, string> = {};
  for (const [i, call] of (['upload', 'commit', 'feed', 'commit', 'upload'] as const).entries()) {
    const killed = killDuring(cloud, remote, call);
    wanted = { ...wanted, ...(await fill(on, `/Sync/${i}`)) };
    await killed;
    await on.sync();
    t.equal(on.gateway.status().queued, 0, `killed during ${call}`);
  }
  t.same(await on.gateway.conflicts(), []);
  const there = await elsewhere(t, cloud.url, await cloud.login('beta'));
  t.strictSame(Object.keys(there).sort(), Object.keys(wanted).sort(), 'every name, once');
  for (const [path, content] of Object.entries(wanted)) if (there[path] !== content) t.fail(`${path} differs`);
});
