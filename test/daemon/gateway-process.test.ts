import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { Client } from 'undici';
import { loadConfig } from '../../src/daemon/config.ts';
import { ControlClient } from '../../src/daemon/control/client.ts';
import { dataDir } from '../../src/daemon/data-dir.ts';
import { GatewayProcess } from '../../src/daemon/gateway-process.ts';
import { writeDevice } from '../../src/daemon/secrets.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

const never = new AbortController().signal;

/** A gateway that has never had contact with its cloud, which cannot be reached unless another address is given. */
async function newcomer(
  t: Test,
  url = 'http://127.0.0.1:9/',
): Promise<{ dir: ReturnType<typeof dataDir>; start: () => Promise<GatewayProcess> }> {
  const dir = dataDir(temporary(t));
  const device = { id: 'device-1', name: 'box' };
  await writeDevice(dir.device, { url, email: 'a@b', token: 't'.repeat(32), device });
  const flags = { 'data.dir': dir.root, 'webdav.port': 0, 'fuse.mount': '' } as const;
  const config = loadConfig({ file: join(import.meta.dirname, '../helpers/empty.toml'), env: {}, flags });
  return { dir, start: () => GatewayProcess.start({ config, leave: () => process.pid }) };
}

t.test('it starts without a network, reports that, and serves local data', async (t) => {
  const { dir, start } = await newcomer(t);
  const gateway = await start();
  const client = new ControlClient(dir.controlSocket, dir.root, never);
  const status = await client.status();
  const { url, user } = gateway.access;
  t.match(status, {
    account: 'a@b',
    device: 'box',
    queued: { files: 0, bytes: 0 },
    parked: [],
    webdav: { url, user },
  });
  t.not(status.cloud.state, 'live');
  t.equal((await client.stat('/Backup')).kind, 'folder');
  await t.rejects(client.stat('/none'), { code: 'ENOENT', subject: '/none' });
  await t.rejects(client.read({ path: '/Backup' }), { code: 'EISDIR' });
  await t.rejects(client.versions('/none'), { code: 'ENOENT', subject: '/none' });
  await t.rejects(client.write({ path: '/x' }, Readable.from(['x'])), { code: 'EROFS', reason: /top of the drive/ });
  await t.rejects(
    client.backups().then(() => client.removeBackup({ name: 'none' })),
    { code: 'ENOENT' },
  );
  await t.rejects(start(), { code: 'EBUSY', reason: /already running/ }, 'a second one is refused');
  await client.close();
  t.same(await gateway.stop({ drain: true }), { files: 0, bytes: 0 });
  await t.rejects(client.status(), { name: 'Error' }, 'the client is closed');
  const late = new ControlClient(dir.controlSocket, dir.root, never);
  await t.rejects(late.status(), { kind: 'unreachable', message: /fjord start/ });
  await late.close();
});

t.test('the first start waits for the list of spaces from the cloud', async (t) => {
  const space = { id: 'space-1', kind: 'sync', name: 'Sync', root: 'root-1', rev: 0, writable: true };
  const cloud = createServer((request, response) => {
    const known = request.url === '/v1/spaces';
    response.writeHead(known ? 200 : 503, { 'content-type': 'application/json' });
    setTimeout(() => response.end(known ? JSON.stringify({ spaces: [space] }) : '{}'), 700);
  });
  cloud.listen(0, '127.0.0.1');
  await once(cloud, 'listening');
  t.teardown(() => cloud.close());
  const { dir, start } = await newcomer(t, `http://127.0.0.1:${(cloud.address() as AddressInfo).port}/`);
  const gateway = await start();
  const client = new ControlClient(dir.controlSocket, dir.root, never);
  t.equal((await client.stat('/Sync')).kind, 'folder');
  await client.close();
  await gateway.stop({ drain: false });
});

t.test('invalid requests fail with a code and a reason', async (t) => {
  const { dir, start } = await newcomer(t);
  const gateway = await start();
  const client = new Client('http://fjord', { socketPath: dir.controlSocket });
  const call = async (
    method: 'GET' | 'POST',
    path: string,
    body?: string,
  ): Promise<{ status: number; value: unknown }> => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await client.request({ method, path, headers, body: body ?? null });
    return { status: answer.statusCode, value: await answer.body.json() };
  };
  t.match(await call('GET', '/nothing'), { status: 404, value: { code: 'ENOTSUP', reason: /another version/ } });
  t.match(await call('GET', '/stat'), { status: 400, value: { code: 'EINVAL', reason: /path/ } });
  t.match(await call('POST', '/restore', '{"path":"/a"}'), {
    status: 400,
    value: { code: 'EINVAL', reason: /version/ },
  });
  t.match(await call('POST', '/restore', '{'), { status: 400, value: { code: 'EINVAL' } });
  t.match(await call('POST', '/flush', '{"path":"/none"}'), { status: 200 }, 'a stream ends with its error');
  t.match(await call('GET', `/stat?path=${'x'.repeat(5000)}`), { status: 400, value: { code: 'ENAMETOOLONG' } });
  t.match(await call('GET', '/stat?path=a%00b'), { status: 400, value: { code: 'EINVAL' } });
  await client.close();
  await gateway.stop({ drain: false });
});
